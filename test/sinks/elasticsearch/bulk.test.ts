import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { elasticsearch } from 'capture-predictions/sinks/elasticsearch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasCode } from '../../../src/errors/errors.ts'
import { columnsOf } from '../../../src/schema/columns.ts'
import type { Sink } from '../../../src/sink.ts'
import { service } from '../../setup/services.ts'
import { patient, record } from '../records.ts'
import { talkTo } from './server.ts'

const url = await service('elasticsearch')

describe.skipIf(!url)('a bulk that something else answers', () => {
  const es = talkTo(url!)
  const prefix = `between-${process.pid}`
  let answer: { status: number; type: string; text: string } | undefined
  let sink: Sink

  const between = createServer((request, response) => {
    const { hostname, port } = new URL(url!)
    const { method, url: path, headers } = request
    if (answer && path!.includes('_bulk')) {
      request.resume()
      response.writeHead(answer.status, { 'content-type': answer.type, 'x-elastic-product': 'Elasticsearch' })
      return void response.end(answer.text)
    }
    // Each on a connection of its own: one that is kept may be closed as it is taken again.
    const forward = httpRequest({ hostname, port, method, path, headers, agent: false }, (reply) => {
      response.writeHead(reply.statusCode!, reply.headers)
      reply.pipe(response)
    })
    forward.on('error', (error) => response.destroy(error))
    request.pipe(forward)
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
    sink = elasticsearch({ url: `http://127.0.0.1:${(between.address() as AddressInfo).port}`, prefix })
    await sink.open!(columnsOf(undefined))
  })
  afterAll(async () => {
    await sink.close!()
    between.close()
    await es.drop(prefix)
  })

  const errorOf = async (given: typeof answer): Promise<Error> => {
    answer = given
    const error: unknown = await sink.write([record()], patient).catch((error: unknown) => error)
    answer = undefined
    expect(error).toBeInstanceOf(Error)
    return error as Error
  }

  const json = 'application/json'
  it.each<[string, number, string, string]>([
    ['an empty object', 200, json, '{}'],
    ['null', 200, json, 'null'],
    ['a page', 200, 'text/html', '<html>welcome</html>'],
    ['nothing', 200, json, ''],
    ['fewer items', 200, json, '{"errors":true,"items":[]}'],
    ['half an answer', 200, json, '{"errors":true,"ite'],
    ['a page of 400', 400, 'text/html', '<html>The plain HTTP request was sent to HTTPS port</html>'],
    ['a page of 404', 404, 'text/html', '<html>not here</html>'],
    ['a page of 502', 502, 'text/html', '<html>bad gateway</html>'],
    ['503', 503, json, '{"error":{"type":"unavailable_shards_exception","reason":"x"},"status":503}'],
    [
      '500 for an item',
      200,
      json,
      '{"errors":true,"items":[{"create":{"status":500,"error":{"type":"x","reason":"y"}}}]}',
    ],
    ['a client too new', 400, json, '{"error":{"type":"media_type_header_exception","reason":"x"},"status":400}'],
    [
      'a login that may not write',
      200,
      json,
      '{"errors":true,"items":[{"create":{"status":403,"error":{"type":"security_exception","reason":"unauthorized"}}}]}',
    ],
  ])('counts for nothing, and is tried again: %s', async (_what, status, type, text) => {
    const error = await errorOf({ status, type, text })
    expect(hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')).toBe(true)
    const one = record()
    expect(await sink.write([one], patient)).toEqual([])
    expect(await es.sources(`${prefix}-2026.11`, [one.id])).toMatchObject([{ id: one.id }])
  })

  it('is split where Elasticsearch could not read it', async () => {
    const text =
      '{"error":{"type":"illegal_argument_exception","reason":"Malformed action/metadata line [1]"},"status":400}'
    const error = await errorOf({ status: 400, type: json, text })
    expect(hasCode(error, 'PREDICTIONS_BATCH_REFUSED')).toBe(true)
    expect(error.message).toContain('Malformed action/metadata line')
  })
})
