import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createActualsReceiver } from '../../src/actuals/receive.ts'
import { keepingSink, testCapture } from '../setup/captures.ts'

/** `FUZZ_RUNS=50000 npx vitest run test/actuals/fuzz.test.ts` is the long run. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 1000)

const id = fc.oneof(
  fc.constant('0199b1f2-6a3c-7a41-9d2e-5b7c10f30000'),
  fc.constant('0199b1f2-6a3c-7a41-9d2e-5b7c10f30001'),
  fc.uuid(),
  fc.anything(),
)
const report = fc.oneof(
  { weight: 5, arbitrary: fc.record({ id, request_id: fc.anything(), instance: fc.anything(), actual: fc.anything(), actuals: fc.anything(), timestamp: fc.oneof(fc.date(), fc.string(), fc.anything()), source: fc.anything(), tags: fc.anything(), retracted: fc.anything() }, { requiredKeys: [] }) },
  { weight: 5, arbitrary: fc.record({ id, actual: fc.jsonValue() }) },
  { weight: 2, arbitrary: fc.record({ id, actuals: fc.array(fc.jsonValue()) }) },
  { weight: 1, arbitrary: fc.anything({ withBigInt: true, withNullPrototype: true }) },
) // prettier-ignore

const types = ['application/json', 'application/x-ndjson', 'text/csv', 'text/plain', 'image/png', undefined]

const start = () => {
  const sink = { ...keepingSink(), actuals: true as const }
  const { capture } = testCapture({ sink, redact: ['**.email', 'actual:mask'], flushIntervalMs: 60_000 })
  return { capture, receive: createActualsReceiver(capture) }
}

const requestOf = (bytes: Uint8Array, type: string | undefined): IncomingMessage =>
  Object.assign(Readable.from(bytes.length === 0 ? [] : [Buffer.from(bytes)]), {
    headers: type === undefined ? {} : { 'content-type': type },
  }) as unknown as IncomingMessage

it('whatever reports are given, each is accepted or refused, and nothing is thrown', { timeout: 600_000 }, () => {
  const { capture } = start()
  fc.assert(
    fc.property(fc.array(report, { maxLength: 5 }), (reports) => {
      const { accepted, rejected } = capture.actuals(reports as never)
      expect(accepted + rejected.length).toBe(reports.length)
      for (const { index, reason } of rejected)
        expect([reports.length > index, reason.length > 0]).toEqual([true, true])
    }),
    { numRuns },
  )
  expect(capture.stats().faults).toBe(0)
})

it('whatever bytes are sent, there is an answer that adds up', { timeout: 600_000 }, async () => {
  const { capture, receive } = start()
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
    fc.array(fc.json(), { maxLength: 5 }).map((lines) => Buffer.from(lines.join('\n'))),
    fc.array(fc.array(fc.string({ maxLength: 8 }), { maxLength: 4 }), { maxLength: 5 }).map((rows) => Buffer.from(['id,actual', ...rows.map((cells) => cells.join(','))].join('\n'))),
  ) // prettier-ignore
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom(...types), async (bytes, type) => {
      const { status, body } = await receive({ req: requestOf(bytes, type), body: undefined })
      expect([202, 400]).toContain(status)
      expect(status === 202).toBe(body.accepted > 0)
      expect(body.error !== undefined || body.accepted + body.rejected.length > 0).toBe(true)
      expect(new Set(body.rejected.map(({ index }) => index)).size).toBe(body.rejected.length)
    }),
    { numRuns },
  )
  expect(capture.stats().faults).toBe(0)
})
