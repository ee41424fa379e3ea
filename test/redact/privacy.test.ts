import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { createCapture, type Capture, type CaptureOptions, type Sink } from 'capture-predictions'
import { frameworks, type Handler } from '../integrations/frameworks.ts'
import { cleanup, temporaryFolder, testCapture } from '../setup/captures.ts'

/** Each is given to the service in one place only, so that a leak says where it comes from. */
const SECRETS = {
  email: 'ada.lovelace@engine.example',
  card: '4111-1111-1111-7357',
  ssn: '078-05-1120',
  age: 'forty-one years and a day',
  phone: '+49 731 5556667',
  token: 'tok_5f3b9a77',
  zip: '89073-Ulm/Donau "Münster"',
  address: 'Analytical Way 12',
  customer: 'customer-1815',
  key: 'Bearer k-99-bottles',
  memo: 'nobody is to know',
} as const

const SCHEMA = {
  features: {
    type: 'object',
    properties: { age: { type: 'number' }, email: { type: 'string' }, ssn: { type: 'string' } },
  },
  outputs: { type: 'object', properties: { prediction: { type: 'number' }, address: { type: 'integer' } } },
} as const

const RULES = [
  'email',
  'card:mask',
  'ssn:hash',
  'features.age',
  'users.*.phone',
  '**.token:hash',
  'user.**.zip',
  'outputs.address:mask',
  'customer:hash',
  'x-account:mask',
  'tags.memo',
]

/** A database whose errors quote what it was given, as many do. */
const refusing: Sink = {
  name: 'refusing',
  write: async (records) => records.map((record, index) => ({ index, reason: `no good: ${record.json}` })),
}

/** With it, everything stays in the outbox. */
const away: Sink = {
  name: 'away',
  async write(records) {
    throw new Error(`cannot write ${records[0]!.json}`)
  },
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())

interface Kept {
  /** Where text of a request could come to rest, by the place's name. */
  places(): Record<string, string>
}

const keepEverything = (options: CaptureOptions): Kept & { capture: Capture } => {
  const folder = temporaryFolder()
  const log: string[] = []
  const say = (message: string) => void log.push(message)
  const capture = createCapture({
    sink: [`sqlite:${join(folder, 'predictions.db')}`, refusing, away],
    outboxDir: join(folder, 'outbox'),
    model: 'iris',
    flushIntervalMs: 10,
    logger: { info: say, warn: say, error: say },
    ...options,
  })
  cleanup(() => capture.close({ timeout: 100 }))
  return {
    capture,
    places: () => ({
      ...Object.fromEntries(filesIn(folder).map((file) => [file.slice(folder.length), readFileSync(file, 'utf8')])),
      logs: log.join('\n'),
      stats: JSON.stringify(capture.stats()),
    }),
  }
}

/** All records of a capture are where they stay: in the database, among the dead letters, in the outbox. */
const settled = (capture: Capture, records: number) =>
  vi.waitFor(
    () => {
      const { sinks } = capture.stats()
      expect(Object.entries(sinks).map(([, sink]) => sink.written + sink.deadLettered)).toEqual([records, records, 0])
      expect(sinks['away']!.lastError).toContain('cannot write')
    },
    { timeout: 10_000 },
  )

/** As it is, as JSON and URLs spell it, and in base64 wherever it may begin. */
const spellingsOf = (secret: string): string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  JSON.stringify(JSON.stringify(secret)).slice(3, -3),
  encodeURIComponent(secret),
  ...[0, 1, 2].map((offset) =>
    Buffer.from(secret)
      .subarray(offset)
      .toString('base64')
      .replace(/.{0,3}=*$/, ''),
  ),
]

const leaks = (places: Record<string, string>): string[] =>
  Object.entries(places).flatMap(([place, text]) =>
    Object.entries(SECRETS)
      .filter(([, secret]) => spellingsOf(secret).some((spelling) => text.includes(spelling)))
      .map(([name]) => `${name} in ${place}`),
  )

const handler: Handler = ({ body, prediction }) => {
  prediction?.tag({ customer: SECRETS.customer, memo: SECRETS.memo })
  const asked = (typeof body === 'object' && body !== null ? body : {}) as { mode?: string; instances?: unknown[] }
  if (asked.mode === 'throw')
    throw new Error(`no account for ${SECRETS.email}, ${SECRETS.card} (${encodeURIComponent(SECRETS.zip)})`)
  if (asked.mode === 'refuse')
    return { status: 422, body: { error: { message: `${SECRETS.ssn} is known, as is ${SECRETS.customer}` } } }
  prediction?.set({ address: SECRETS.address, confidence: 0.9 })
  if (asked.instances) return { body: { predictions: asked.instances.map((_, k) => k), token: SECRETS.token } }
  return { body: { prediction: 1, address: SECRETS.address, list: [{ token: SECRETS.token }] } }
}

const person = {
  age: SECRETS.age,
  email: SECRETS.email,
  card: SECRETS.card,
  ssn: SECRETS.ssn,
  users: [{ phone: SECRETS.phone, name: 'Ada' }],
  list: [{ below: { token: SECRETS.token } }],
  user: { home: { zip: SECRETS.zip, city: 'Ulm' } },
}

const json = (body: unknown) => ({ body: JSON.stringify(body), type: 'application/json' })

/** One row each, but for the batch of two. */
const requests = {
  'an object': json(person),
  'an error that quotes': json({ ...person, mode: 'throw' }),
  'an error reply that quotes': json({ ...person, mode: 'refuse' }),
  'a batch': json({ instances: [person, { ...person, age: 7 }], parameters: { token: SECRETS.token } }),
  'a tensor that does not fit': json({
    inputs: [
      { name: 'email', shape: [7], datatype: 'BYTES', data: [SECRETS.email, 'x'] },
      { name: 'age', shape: [1], datatype: 'FP32', data: [SECRETS.age] },
    ],
  }),
  'JSON cut short': { body: JSON.stringify(person).slice(0, -1), type: 'application/json' },
  'JSON with a slip beside a secret': { body: `{"email":"${SECRETS.email}"x}`, type: 'application/json' },
  'a text': { body: `${SECRETS.email} ${SECRETS.token}`, type: 'text/plain' },
  'a form': { body: `email=${encodeURIComponent(SECRETS.email)}&card=${SECRETS.card}`, type: 'application/x-form' },
  'a body past the limit': json({ ...person, padding: 'x'.repeat(20_000) }),
} as const

const RECORDS = Object.keys(requests).length + 1

const sendAll = async (url: string): Promise<void> => {
  for (const [name, { body, type }] of Object.entries(requests)) {
    const requestId = name === 'an object' ? `of ${SECRETS.email}` : name
    const reply = await fetch(`${url}/predict`, {
      method: 'POST',
      body,
      headers: { 'content-type': type, 'x-account': SECRETS.key, 'x-request-id': requestId },
    })
    await reply.arrayBuffer()
  }
}

const options: CaptureOptions = {
  schema: SCHEMA,
  maxBodyBytes: 10_000,
  redact: RULES,
  redactKey: 'a key of the tests',
  tagHeaders: 'x-account',
}

const both = frameworks.filter(({ name }) => name === 'Express 5' || name === 'Fastify 5')

describe.each(both)('what redaction names is nowhere ($name)', (framework) => {
  const serve = async (given: CaptureOptions) => {
    const kept = keepEverything(given)
    const app = await framework.start({ capture: kept.capture, mount: 'before parser', handler })
    cleanup(() => app.close())
    await sendAll(app.url)
    await settled(kept.capture, RECORDS)
    return kept
  }

  it('not in the outbox, the database, its log, dead letters, logs or stats', async () => {
    const { places, capture } = await serve(options)
    const before = places()
    expect(Object.keys(before).join(' ')).toMatch(/predictions\.db-wal/)
    expect(Object.keys(before).join(' ')).toMatch(/dead-letters/)
    expect(leaks(before)).toEqual([])
    await capture.close({ timeout: 100 })
    expect(leaks(places())).toEqual([])
  })

  it('while without rules all of it is found', async () => {
    const { places } = await serve({ ...options, redact: [] })
    const found = leaks(places())
    expect(new Set(found.map((leak) => leak.split(' ')[0]))).toEqual(new Set(Object.keys(SECRETS)))
    for (const place of [/predictions\.db/, /outbox.*away/, /dead-letters/, /stats/])
      expect(found.join('\n')).toMatch(place)
  })
})

it('a format of the user that throws with what it read tells nobody', async () => {
  const { capture, places } = keepEverything({
    ...options,
    format: {
      name: 'clumsy',
      readRequest({ body }) {
        throw new Error(`what is ${(body as { email: string }).email}?`)
      },
      readReply({ body }) {
        throw new Error(`and ${(body as { list: { token: string }[] }).list[0]!.token}?`)
      },
    },
  })
  const app = await both[0]!.start({ capture, handler })
  cleanup(() => app.close())
  await fetch(`${app.url}/predict`, {
    method: 'POST',
    body: requests['an object'].body,
    headers: { 'content-type': 'application/json' },
  })
  await settled(capture, 1)
  expect(capture.stats().faults).toBeGreaterThan(0)
  expect(leaks(places())).toEqual([])
})

it('what is hidden can still be told apart, and what is not named is kept', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'predictions.db')
  const { capture } = testCapture({ ...options, sink: `sqlite:${file}`, schema: undefined })
  const app = await both[1]!.start({ capture, handler })
  cleanup(() => app.close())
  for (let i = 0; i < 2; i++)
    await fetch(`${app.url}/predict`, {
      method: 'POST',
      body: requests['an object'].body,
      headers: { 'content-type': 'application/json', 'x-account': SECRETS.key },
    })
  await capture.flush()
  const database = new DatabaseSync(file)
  const rows = database.prepare('SELECT features, outputs, tags FROM predictions').all()
  database.close()
  const [first, second] = rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, text]) => [name, JSON.parse(text as string) as unknown])),
  )
  expect(first).toEqual(second)
  expect(first).toEqual({
    features: {
      card: '****7357',
      ssn: expect.stringMatching(/^[0-9a-f]{64}$/),
      users: [{ name: 'Ada' }],
      list: [{ below: { token: expect.stringMatching(/^[0-9a-f]{64}$/) } }],
      user: { home: { city: 'Ulm' } },
    },
    outputs: {
      prediction: 1,
      confidence: 0.9,
      address: '****y 12',
      list: [{ token: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    },
    tags: { customer: expect.stringMatching(/^[0-9a-f]{64}$/), 'x-account': '****tles' },
  })
})

it('headers are stored where they are named, and nowhere else', async () => {
  const send = async (given: CaptureOptions) => {
    const { capture, places } = keepEverything(given)
    const app = await both[0]!.start({ capture, handler: () => ({ body: { prediction: 1 } }) })
    cleanup(() => app.close())
    await fetch(`${app.url}/predict?token=${SECRETS.token}`, {
      method: 'POST',
      body: '{"a":1}',
      headers: {
        'content-type': 'application/json',
        authorization: SECRETS.key,
        cookie: `session=${SECRETS.email}`,
        'x-tenant': 'tenant-7',
      },
    })
    await settled(capture, 1)
    return places()
  }
  const named = await send({ tagHeaders: 'X-Tenant' })
  expect(leaks(named)).toEqual([])
  expect(JSON.stringify(named)).toContain('tenant-7')
  expect(JSON.stringify(await send({}))).not.toContain('tenant-7')
})
