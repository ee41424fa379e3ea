import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import type { ActualRecord, CaptureOptions } from 'capture-predictions'
import { beforeEach, describe, expect, it } from 'vitest'
import { cleanup, keepingSink, testCapture } from '../setup/captures.ts'
import { actualsApps } from './actuals-apps.ts'

const BASE = '0199b1f2-6a3c-7a41-9d2e-5b7c10f30000'
const idOf = (k: number): string => BASE.slice(0, 32) + k.toString(16).padStart(4, '0')

const schema = {
  outputs: { type: 'object', properties: { prediction: { type: 'integer' } } },
}

describe.each(actualsApps)('$name: receiveActuals', (app) => {
  let url: string
  let stored: () => Promise<readonly ActualRecord[]>

  const start = async (options: CaptureOptions = {}, receive?: { maxBodyBytes: number }): Promise<void> => {
    const sink = { ...keepingSink(), actuals: true as const }
    const { capture } = testCapture({ sink, schema, ...options })
    const running = await app.start(capture, receive)
    cleanup(() => running.close())
    url = running.url
    stored = async () => {
      await capture.flush()
      return sink.records as unknown as ActualRecord[]
    }
  }
  beforeEach(() => start())

  const post = async (
    body: string | Uint8Array<ArrayBuffer>,
    type = 'application/json',
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': type, ...headers }, body })
    const text = await response.text()
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown> }
  }
  const send = (value: unknown) => post(JSON.stringify(value))

  it('takes one report, a list, and an object of reports', async () => {
    const accepted = (n: number) => ({ status: 202, body: { accepted: n, rejected: [] } })
    expect(await send({ id: BASE, actual: 2, source: 'lab' })).toEqual(accepted(1))
    expect(await send([{ id: idOf(1), actual: 0 }, { id: idOf(2), actuals: { actual: 1 } }])).toEqual(accepted(2)) // prettier-ignore
    expect(await send({ reports: [{ id: idOf(3), retracted: true }] })).toEqual(accepted(1))
    const records = await stored()
    expect(records.map(({ prediction_id, actuals, retracted }) => [prediction_id, actuals, retracted])).toEqual([
      [idOf(0), { actual: 2 }, false],
      [idOf(1), { actual: 0 }, false],
      [idOf(2), { actual: 1 }, false],
      [idOf(3), {}, true],
    ])
    expect(records[0]).toMatchObject({ source: 'lab', request_id: null })
  })

  it("takes a batch's list, with what is not known yet left out", async () => {
    expect((await send({ id: BASE, actuals: [2, null, 0] })).body).toEqual({ accepted: 1, rejected: [] })
    expect((await send({ request_id: 'r-1', actuals: [null, 5] })).body).toEqual({ accepted: 1, rejected: [] })
    expect((await stored()).map((actual) => [actual.prediction_id, actual.request_id, actual.instance])).toEqual([
      [idOf(0), null, null],
      [idOf(2), null, null],
      [null, 'r-1', 1],
    ])
  })

  it('refuses by index, with the reason', async () => {
    const { status, body } = await post(
      JSON.stringify([
        { id: idOf(1), actual: 1 },
        { id: '4711', actual: 1 },
        { id: idOf(1), actaul: 1 },
        { id: idOf(1) },
        { id: idOf(1), actuals: [1, 2] },
        { id: BASE, actuals: [] },
        { id: idOf(1), actual: '2e308' },
        { actual: 1 },
        7,
        { id: idOf(1), actual: 1, timestamp: 'soon' },
        { id: idOf(1), actual: 2, timestamp: '2026-11-23 12:00' },
      ]).replace('"2e308"', '2e308'),
    )
    expect(status).toBe(202)
    const { accepted, rejected } = body as { accepted: number; rejected: { index: number; reason: string }[] }
    expect(accepted).toBe(2)
    expect(rejected.map(({ index, reason }) => [index, reason])).toEqual([
      [1, expect.stringMatching(/^id "4711" is no prediction's id: a UUIDv7/)],
      [2, expect.stringMatching(/^"actaul" is no member of a report; did you mean "actual"\?/)],
      [3, 'says nothing: give actual, actuals or retracted'],
      [4, expect.stringMatching(/ends in 0000$/)],
      [5, 'actuals is an empty list'],
      [6, expect.stringMatching(/^actual is Infinity: a number must be finite/)],
      [7, "has no id: give the prediction's id, or request_id"],
      [8, 'is no object with an id and an actual'],
      [9, expect.stringMatching(/^timestamp "soon" must be ISO 8601/)],
    ])
    const [, second] = await stored()
    expect(second).toMatchObject({
      timestamp: '2026-11-23T12:00:00.000Z',
      extra: { timestamp: { value: '2026-11-23 12:00', reason: 'a time without a zone: read as UTC' } },
    })
  })

  it('answers 400 where nothing could be read', async () => {
    expect(await send([])).toMatchObject({ status: 400, body: { accepted: 0, rejected: [] } })
    expect(await send([{ id: 'x' }])).toMatchObject({ status: 400, body: { accepted: 0, rejected: [{ index: 0 }] } })
    expect(await post('', 'text/csv')).toMatchObject({ status: 400 })
    expect(await post('identifier,truth\n1,2', 'text/csv')).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/there is no column "id"/) as string },
    })
  })

  it('takes NDJSON, and tells the line', async () => {
    const lines = [`{"id":"${BASE}","actual":1}`, '', '{"id":', `{"id":"${idOf(1)}","actual":12345678901234567890}`]
    const { status, body } = await post(lines.join('\r\n'), 'application/x-ndjson')
    expect(status).toBe(202)
    expect(body).toEqual({
      accepted: 2,
      rejected: [{ index: 1, line: 3, reason: expect.stringMatching(/^is no JSON/) as string }],
    })
    expect((await stored()).map(({ actuals }) => actuals)).toEqual([{ actual: 1 }, { actual: 12345678901234567890n }])
  })

  it('takes CSV with a header, whatever delimits it', async () => {
    for (const [delimiter, id] of [
      [',', 1],
      [';', 2],
      ['\t', 3],
    ] as const)
      // prettier-ignore
      expect(
        await post(['id', 'actual', 'source'].join(delimiter) + '\n' + [idOf(id), '2', '"the\nlab"'].join(delimiter), 'text/csv'), // prettier-ignore
      ).toMatchObject({ status: 202, body: { accepted: 1 } })
    const records = await stored()
    expect(records.map(({ actuals, source }) => [actuals, source])).toEqual(Array(3).fill([{ actual: 2 }, 'the\nlab']))
  })

  it('gives one report in JSON, NDJSON and CSV one id', async () => {
    const report = { id: BASE, actual: 2, timestamp: '2026-11-23T12:00:00Z' }
    await send(report)
    await post(JSON.stringify(report), 'application/x-ndjson')
    await post(`\uFEFFtimestamp,id,actual\n2026-11-23T13:00:00+01:00,${BASE.toUpperCase()},2\n`, 'text/csv')
    await post(new Uint8Array(gzipSync(`id,actual,timestamp\n${BASE},2,2026-11-23T12:00:00Z`)), 'text/csv', {
      'content-encoding': 'gzip',
    })
    const ids = (await stored()).map(({ id }) => id)
    expect(ids).toHaveLength(4)
    expect(new Set(ids).size).toBe(1)
  })

  it('answers 413 to a body that is too large', async () => {
    await start({}, { maxBodyBytes: 2000 })
    const line = `{"id":"${BASE}","actual":1}\n`
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: line.repeat(200),
    })
    expect(response.status).toBe(413)
    expect(await stored()).toEqual([])
  })

  describe('answers 413 to 100 MB, keeps none of it, and goes on', () => {
    const MB = 1024 * 1024
    const chunk = Buffer.alloc(MB, `{"id":"${BASE}","actual":1}\n`)
    const goesOn = async () => {
      expect(await send({ id: BASE, actual: 2 })).toMatchObject({ status: 202 })
      expect(await stored()).toHaveLength(1)
    }

    it('that are announced, before they come', async () => {
      const headers = { 'content-type': 'application/x-ndjson', 'content-length': 100 * MB }
      const req = request(url, { method: 'POST', headers })
      const answered = once(req, 'response') as Promise<[IncomingMessage]>
      req.write(chunk)
      const [response] = await answered
      expect(response.statusCode).toBe(413)
      req.destroy()
      await goesOn()
    })

    it('that come in chunks, and takes the rest from the connection', async () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      let reply = ''
      socket.setEncoding('latin1').on('data', (text: string) => (reply += text))
      const closed = once(socket, 'close')
      await pipeline(function* () {
        yield 'POST /actuals HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n'
        for (let sent = 0; sent < 100; sent++) yield* [`${MB.toString(16)}\r\n`, chunk, '\r\n']
        yield '0\r\n\r\n'
      }, socket)
      await closed
      expect(reply).toMatch(/^HTTP\/1\.1 413 /)
      await goesOn()
    })
  })

  it('answers 503 when the outbox is full and nothing is to be dropped', async () => {
    await start({ outboxMaxBytes: 1024, whenFull: 'reject', sink: { name: 'away', actuals: true, write: () => Promise.reject(new Error('away')) } }) // prettier-ignore
    const statuses = new Set<number>()
    for (let k = 0; k < 20; k++) statuses.add((await send({ id: idOf(k), actual: k, source: 'x'.repeat(100) })).status)
    expect([...statuses]).toEqual([202, 503])
  })

  it('takes 10,000 reports at once', async () => {
    const reports = Array.from({ length: 10_000 }, (_, k) => ({ id: idOf(k), actual: k % 3 }))
    const { status, body } = await post(
      reports.map((report) => JSON.stringify(report)).join('\n'),
      'application/x-ndjson',
    )
    expect({ status, body }).toEqual({ status: 202, body: { accepted: 10_000, rejected: [] } })
    expect(await stored()).toHaveLength(10_000)
  })
})
