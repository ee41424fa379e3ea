import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { elasticsearch, type ElasticsearchOptions } from 'capture-predictions/sinks/elasticsearch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasCode } from '../../src/errors/errors.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { service } from '../setup/services.ts'
import { createHttpsProxy, makeCertificates } from './elasticsearch/https.ts'
import { talkTo } from './elasticsearch/server.ts'
import { patient, record } from './records.ts'

const url = await service('elasticsearch')

const user = 'pre dictions'
const password = 's:e/c@r%et'
const apiKey = 'c2VjcmV0OmtleQ=='
const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const columns = columnsOf(undefined)

describe.skipIf(!url)('elasticsearch behind TLS and a login', () => {
  const es = talkTo(url!)
  const prefix = `secure-${process.pid}`
  const certificates = makeCertificates()
  const sinks: Sink[] = []
  let proxy: Awaited<ReturnType<typeof createHttpsProxy>>
  /** The path that is forbidden to everybody just now. */
  let forbidden = 'none'

  beforeAll(async () => {
    proxy = await createHttpsProxy(url!, certificates, (authorization, { url: path }) => {
      if (authorization !== basic && authorization !== `ApiKey ${apiKey}`) return 401
      return path!.includes(forbidden) ? 403 : 200
    })
  })
  afterAll(async () => {
    for (const sink of sinks) await sink.close!()
    await proxy.close()
    certificates.remove()
    await es.drop(prefix)
  })

  const create = (login: string, options: Partial<ElasticsearchOptions> = {}): Sink => {
    const sink = elasticsearch({
      url: `elasticsearch+https://${login}127.0.0.1:${proxy.port}`,
      prefix,
      ca: certificates.caFile,
      ...options,
    })
    sinks.push(sink)
    return sink
  }
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`

  const expectUnavailable = async (promise: Promise<unknown>, message: RegExp) => {
    const error: unknown = await promise.catch((error: unknown) => error)
    expect(hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')).toBe(true)
    expect((error as Error).message).toMatch(message)
    // No login, and not the request either: it has all documents in it.
    expect((error as Error).cause).toBeUndefined()
    for (const secret of [password, encodeURIComponent(password), apiKey, basic])
      expect((error as Error).message).not.toContain(secret)
  }

  it.each<[string, string, Partial<ElasticsearchOptions>]>([
    ['a user and a password in the URL', login, {}],
    ['an API key', '', { apiKey }],
    ['the authority as text', login, { ca: certificates.ca }],
  ])('writes with %s', async (_what, login, options) => {
    const sink = create(login, options)
    await sink.open!(columns)
    const one = record()
    expect(await sink.write([one], patient)).toEqual([])
    expect((await es.rows(prefix)).map(({ id }) => id)).toContain(one.id)
  })

  it.each<[string, string, Partial<ElasticsearchOptions>, RegExp]>([
    ['no login', '', {}, /401 security_exception.*the login is wrong/],
    ['a wrong password', 'predictions:wrong@', {}, /401 security_exception.*the login is wrong/],
    ['a wrong API key', '', { apiKey: 'd3Jvbmc=' }, /401.*PREDICTIONS_ELASTICSEARCH_API_KEY/],
    ['no authority', login, { ca: undefined }, /certificate.*PREDICTIONS_ELASTICSEARCH_CA/],
    ['a file that is not there', login, { ca: '/no/such/file.pem' }, /PREDICTIONS_ELASTICSEARCH_CA can't be read/],
  ])('says so, with %s', async (_what, login, options, message) => {
    await expectUnavailable(create(login, options).open!(columns), message)
  })

  it('says so where the server speaks no TLS, or TLS only', async () => {
    const [plain] = [elasticsearch({ url: `elasticsearch+https://${new URL(url!).host}`, prefix })]
    sinks.push(plain)
    await expectUnavailable(plain.open!(columns), /write elasticsearch:\/\//)
    const tls = elasticsearch({ url: `elasticsearch://127.0.0.1:${proxy.port}`, prefix })
    sinks.push(tls)
    await expectUnavailable(tls.open!(columns), /write elasticsearch\+https:\/\//)
  })

  it('says that OpenSearch is not supported, which answers 406', async () => {
    const server = createServer((request, response) => {
      const isOurs = /vnd\.elasticsearch/.test(String(request.headers.accept))
      response.writeHead(isOurs ? 406 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: 'Content-Type header [] is not supported', status: 406 }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const sink = elasticsearch({ url: `elasticsearch://127.0.0.1:${port}`, prefix })
    sinks.push(sink)
    try {
      await expectUnavailable(sink.open!(columns), /406.*OpenSearch.*not supported/)
    } finally {
      server.close()
    }
  })

  it('keeps the records while something is forbidden', async () => {
    const sink = create(login)
    await sink.open!(columns)
    const one = record()
    for (const path of ['/_bulk', '/_index_template']) {
      forbidden = path
      const call = path === '/_bulk' ? sink.write([one], patient) : sink.open!(columns)
      await expectUnavailable(call, /403 security_exception.*may not/)
    }
    forbidden = 'none'
    await sink.open!(columns)
    expect(await sink.write([one], patient)).toEqual([])
  })

  it('trusts the authority of a file that was put right', async () => {
    const file = `${certificates.caFile}.other`
    writeFileSync(file, '-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n')
    const sink = create(login, { ca: file })
    await expect(sink.open!(columns)).rejects.toThrow()
    writeFileSync(file, certificates.ca)
    await sink.open!(columns)
  })
})
