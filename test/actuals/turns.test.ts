import type { IncomingMessage } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createActualsReceiver } from '../../src/actuals/receive.ts'
import { keepingSink, testCapture } from '../setup/captures.ts'

const COUNT = 10_000
const BASE = '0199b1f2-6a3c-7a41-9d2e-5b7c10f30000'
const idOf = (k: number): string => BASE.slice(0, 32) + k.toString(16).padStart(4, '0')
const reports = Array.from({ length: COUNT }, (_, k) => ({ id: idOf(k), actual: k % 3, source: 'lab' }))
const labels = reports.map(({ actual }) => actual)

/** By the test's clock a look at it takes a millisecond: however fast the machine, each step takes as long. */
beforeEach(() => {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now++)
})
afterEach(() => void vi.restoreAllMocks())

const receive = async (body: unknown, type: string) => {
  const { capture } = testCapture({ sink: { ...keepingSink(), actuals: true }, flushIntervalMs: 60_000 })
  const receiver = createActualsReceiver(capture)
  const req = { headers: { 'content-type': type }, readableEnded: true } as unknown as IncomingMessage
  let turns = 0
  let reply: Awaited<ReturnType<typeof receiver>> | undefined
  void receiver({ req, body }).then((answer) => (reply = answer))
  while (reply === undefined) {
    await nextTurn()
    turns++
  }
  return { turns, ...reply }
}

it.each([
  ['a list that is parsed already', 'application/json', reports, COUNT],
  ['a list', 'application/json', Buffer.from(JSON.stringify(reports)), COUNT],
  ['lines', 'application/x-ndjson', Buffer.from(reports.map((report) => JSON.stringify(report)).join('\n')), COUNT],
  ['rows', 'text/csv', Buffer.from(`id,actual\n${reports.map(({ id, actual }) => `${id},${actual}`).join('\n')}`), COUNT], // prettier-ignore
  ["a batch's list", 'application/json', Buffer.from(JSON.stringify({ id: BASE, actuals: labels })), 1],
  ["a batch's list in a line", 'application/x-ndjson', Buffer.from(`{"id":"${BASE}","actuals":[${labels.join(', ')}]${' '.repeat(50_000)}}`), 1], // prettier-ignore
])('10,000 actuals as %s leave turns of the event loop to others', async (_, type, body, accepted) => {
  const reply = await receive(body, type)
  expect(reply).toMatchObject({ status: 202, body: { accepted, rejected: [] } })
  // No step has more than 128 of them, and every other one is followed by a turn.
  expect(reply.turns).toBeGreaterThan(COUNT / 128 / 2)
})

it('a list of a megabyte is not parsed in one piece', async () => {
  const parse = vi.spyOn(JSON, 'parse')
  await receive(Buffer.from(JSON.stringify(reports)), 'application/json')
  const longest = Math.max(...parse.mock.calls.map(([text]) => text.length))
  expect(longest).toBeLessThan(100_000)
})
