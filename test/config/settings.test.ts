import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { CaptureOptions } from '../../src/config/options.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { table, type Key } from '../../src/config/table.ts'
import { hasCode } from '../../src/errors/errors.ts'
import { silentLogger, stderrLogger } from '../../src/logger.ts'
import type { Sink } from '../../src/sink.ts'

const folder = mkdtempSync(join(tmpdir(), 'predictions-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** The lines of the error, without its title; none where the configuration is right. */
const mistakes = (options: unknown, env: NodeJS.ProcessEnv = {}): string[] => {
  try {
    resolveSettings(options as CaptureOptions, env)
    return []
  } catch (error) {
    expect(hasCode(error, 'PREDICTIONS_BAD_CONFIGURATION')).toBe(true)
    return (error as Error).message.split('\n  ').slice(1)
  }
}

const fromEnvironment = (name: string, value: string) => resolveSettings({}, { [`PREDICTIONS_${name}`]: value })
const sink: Sink = { name: 'own', write: async () => {} }

describe('where a setting comes from', () => {
  it('has a default without anything', () => {
    expect(resolveSettings({}, {})).toEqual({
      sinks: ['sqlite:./predictions.db'],
      always: false,
      table: 'predictions',
      routes: ['POST /predict'],
      model: 'capture-predictions',
      modelVersion: '',
      schema: undefined,
      format: 'auto',
      durability: 'outbox',
      outboxDir: './.predictions-outbox',
      outboxMaxBytes: 2 ** 30,
      outboxFsync: false,
      holdTimeoutMs: 5000,
      whenFull: 'drop',
      batchSize: 1000,
      flushIntervalMs: 1000,
      sampleRate: { rate: 1, byRoute: {} },
      sampleAlways: { errors: false, slowMs: undefined },
      redact: [],
      redactKey: undefined,
      tagHeaders: [],
      maxBodyBytes: 2 ** 20,
      idHeader: 'X-Prediction-Id',
      migrate: 'auto',
      enabled: true,
      logger: stderrLogger,
      elasticsearch: { apiKey: undefined, ca: undefined, indexBy: 'month' },
      kafka: {
        saslMechanism: undefined,
        username: undefined,
        password: undefined,
        ca: undefined,
        compression: 'none',
        createTopic: false,
      },
    })
  })

  it('is the option, then the variable, then the default', () => {
    const env = { PREDICTIONS_TABLE: 'from_env', PREDICTIONS_BATCH_SIZE: '7', PREDICTIONS_KAFKA_COMPRESSION: 'zstd' }
    const settings = resolveSettings({ table: 'from_options', batchSize: undefined, kafka: { createTopic: true } }, env)
    expect(settings).toMatchObject({
      table: 'from_options',
      batchSize: 7,
      flushIntervalMs: 1000,
      kafka: { compression: 'zstd', createTopic: true },
    })
  })

  it('is read from the environment at the call', () => {
    process.env['PREDICTIONS_MODEL'] = 'now'
    try {
      expect(resolveSettings().model).toBe('now')
    } finally {
      delete process.env['PREDICTIONS_MODEL']
    }
    expect(resolveSettings().model).toBe('capture-predictions')
  })

  it('is not an empty variable, but for the id header', () => {
    const env = Object.fromEntries(Object.values(table).flatMap(({ variable }) => (variable ? [[variable, '']] : [])))
    expect(resolveSettings({}, env)).toEqual({ ...resolveSettings({}, {}), idHeader: '' })
  })

  it('a variable that an option overrules is not looked at', () => {
    expect(mistakes({ batchSize: 5 }, { PREDICTIONS_BATCH_SIZE: 'many' })).toEqual([])
  })
})

describe('a variable is read', () => {
  it.each<[string, string, object]>([
    ['SINK', 'sqlite:./a.db postgres://u:p@h/db', { sinks: ['sqlite:./a.db', 'postgres://u:p@h/db'] }],
    ['TABLE', 'ml.predictions', { table: 'ml.predictions' }],
    ['ROUTE', 'POST /predict, POST /v2/*,', { routes: ['POST /predict', 'POST /v2/*'] }],
    ['MODEL', ' iris ', { model: 'iris' }],
    ['MODEL_VERSION', '3', { modelVersion: '3' }],
    ['FORMAT', 'Open-Inference', { format: 'open-inference' }],
    ['DURABILITY', 'sink', { durability: 'sink' }],
    ['OUTBOX_DIR', '/var/outbox', { outboxDir: '/var/outbox' }],
    ['OUTBOX_MAX_BYTES', '1000000', { outboxMaxBytes: 1_000_000 }],
    ['OUTBOX_MAX_BYTES', '1GiB', { outboxMaxBytes: 2 ** 30 }],
    ['OUTBOX_MAX_BYTES', ' 64 mib ', { outboxMaxBytes: 2 ** 26 }],
    ['OUTBOX_MAX_BYTES', '1.5GB', { outboxMaxBytes: 1_500_000_000 }],
    ['OUTBOX_MAX_BYTES', '2048b', { outboxMaxBytes: 2048 }],
    ['OUTBOX_FSYNC', 'yes', { outboxFsync: true }],
    ['HOLD_TIMEOUT_MS', '250', { holdTimeoutMs: 250 }],
    ['WHEN_FULL', 'reject', { whenFull: 'reject' }],
    ['BATCH_SIZE', '1e3', { batchSize: 1000 }],
    ['FLUSH_INTERVAL_MS', '0', { flushIntervalMs: 0 }],
    ['SAMPLE_RATE', '0.25', { sampleRate: { rate: 0.25, byRoute: {} } }],
    ['SAMPLE_RATE', '0.5, POST /predict=0', { sampleRate: { rate: 0.5, byRoute: { 'POST /predict': 0 } } }],
    ['SAMPLE_ALWAYS', 'errors,slow:500ms', { sampleAlways: { errors: true, slowMs: 500 } }],
    ['REDACT', 'email, card:mask', { redact: ['email', 'card:mask'] }],
    ['REDACT_KEY', 'k', { redactKey: 'k' }],
    ['TAG_HEADERS', 'X-Tenant, User-Agent', { tagHeaders: ['x-tenant', 'user-agent'] }],
    ['MAX_BODY_BYTES', '1', { maxBodyBytes: 1 }],
    ['ID_HEADER', 'X-Request-Prediction', { idHeader: 'X-Request-Prediction' }],
    ['MIGRATE', 'off', { migrate: 'off' }],
    ['ENABLED', 'No', { enabled: false }],
    ['ENABLED', '0', { enabled: false }],
    ['ELASTICSEARCH_API_KEY', 'k', { elasticsearch: { apiKey: 'k', ca: undefined, indexBy: 'month' } }],
    ['ELASTICSEARCH_INDEX_BY', 'day', { elasticsearch: { apiKey: undefined, ca: undefined, indexBy: 'day' } }],
  ])('%s=%s', (name, value, expected) => {
    expect(fromEnvironment(name, value)).toMatchObject(expected)
  })

  it('and an option as well, beside its own type', () => {
    const options: CaptureOptions = {
      sink: [sink, 'sqlite:x.db'],
      route: ['POST /a', 'POST /b'],
      outboxMaxBytes: '1 MiB',
      sampleRate: 0.1,
      sampleAlways: 'errors',
      redact: ['email', 'ssn:hash'],
      redactKey: 'k',
      tagHeaders: ['X-Tenant'],
      enabled: false,
      logger: silentLogger,
      schema: { features: { type: 'object' } },
      format: { name: 'own', readRequest: () => ({ features: [] }), readReply: () => ({ outputs: [] }) },
    }
    expect(resolveSettings(options, {})).toMatchObject({
      sinks: [sink, 'sqlite:x.db'],
      routes: ['POST /a', 'POST /b'],
      outboxMaxBytes: 2 ** 20,
      sampleRate: { rate: 0.1, byRoute: {} },
      sampleAlways: { errors: true },
      redact: ['email', 'ssn:hash'],
      tagHeaders: ['x-tenant'],
      enabled: false,
      logger: silentLogger,
      schema: { features: { type: 'object' } },
      format: { name: 'own' },
    })
    expect(resolveSettings({ sink }, {}).sinks).toEqual([sink])
  })

  it('a sink or a logger of a class is one by its shape', () => {
    class Own {
      name = 'own'
      async write() {}
      info() {}
      warn() {}
      error() {}
    }
    const own = new Own()
    expect(resolveSettings({ sink: own, logger: own }, {})).toMatchObject({ sinks: [own], logger: own })
    expect(resolveSettings({ logger: console }, {}).logger).toBe(console)
  })
})

it('a login of Kafka may stand half in the URL, half in a variable', () => {
  expect(mistakes({ sink: 'kafkas://u@h/t' }, { PREDICTIONS_KAFKA_PASSWORD: 'p' })).toEqual([])
})

describe('the model is the name in the nearest package.json', () => {
  const modelIn = (path: string): string => {
    const before = process.cwd()
    process.chdir(path)
    try {
      return resolveSettings({}, {}).model
    } finally {
      process.chdir(before)
    }
  }

  it('upwards, past those that have none or are broken, else "model"', () => {
    const inner = join(folder, 'a', 'b', 'c')
    mkdirSync(inner, { recursive: true })
    expect(modelIn(inner)).toBe('model')
    file('package.json', '{"name":"@acme/iris"}')
    file('a/package.json', '{ not json')
    file('a/b/package.json', '{"private":true}')
    expect(modelIn(inner)).toBe('@acme/iris')
  })
})

describe('the schema', () => {
  it('is read from a file', () => {
    const schema = { features: { type: 'object', properties: { a: { type: 'number' } } } }
    const path = file('schema.json', '\uFEFF' + JSON.stringify(schema))
    expect(fromEnvironment('SCHEMA', path).schema).toEqual(schema)
    expect(resolveSettings({ schema: path }, {}).schema).toEqual(schema)
  })

  it.each([
    ['{\n  "features": {},\n}', 3],
    ['{\n  "features": {}\n  "outputs": {}\n}', 3],
    ['{"features": {}}\n\n\nx', 4],
    ['{\n  "features": {\n', 2],
    ['{\n  "a": "x\n"}', 2],
    ['', 1],
    ['\n\n  features: 1', 3],
    ['{"a": 1,\n "b": tru,\n "c": 2}', 2],
  ])('with a mistake in its JSON names the file and the line: %j', (text, line) => {
    const path = file('broken.json', text)
    expect(mistakes({}, { PREDICTIONS_SCHEMA: path })[0]).toContain(`PREDICTIONS_SCHEMA: ${path}, line ${line}: `)
  })

  it('that is not there is said so', () => {
    expect(mistakes({ schema: '/no/such.json' })[0]).toMatch(/^option schema: \/no\/such\.json can't be read: ENOENT/)
  })

  it('that is no schema says where', () => {
    const path = file('wrong.json', '{"features":{"type":"objct"},"output":{}}')
    expect(mistakes({ schema: path }).join('\n')).toMatch(/\/output: is unknown[^]*\/features\/type/)
    expect(mistakes({ schema: [] })).toHaveLength(1)
  })
})

describe('mistakes', () => {
  it('come all at once, each with its name, its value, what is allowed and the nearest name', () => {
    const env = {
      PREDICTIONS_SNIK: 'x',
      PREDICTIONS_SINK: 'postgre://u:S3CR3T@h/db',
      PREDICTIONS_DURABILITY: 'outbx',
      PREDICTIONS_MAX_BODY_BYTES: '1 XB',
      PREDICTIONS_ROUTE: '/predict, POST predict',
      PREDICTIONS_ENABLED: 'maybe',
      PATH: '/bin',
    }
    const options = { bachSize: 1, batchSize: 0, kafka: { compresion: 'gzip' } }
    expect(mistakes(options, env)).toEqual([
      'PREDICTIONS_SNIK is "x": no such variable is known; did you mean "PREDICTIONS_SINK"?',
      'option bachSize is 1: no such option is known; did you mean "batchSize"?',
      'option kafka.compresion is "gzip": no such option is known; did you mean "kafka.compression"?',
      'PREDICTIONS_DURABILITY is "outbx": must be one of memory, outbox, sink; did you mean "outbox"?',
      'option batchSize is 0: must be a whole number from 1 to 10,000',
      'PREDICTIONS_MAX_BODY_BYTES is "1 XB": must be bytes, from 1 to 536,870,912, as in 1000000, 64 MiB or 1GB',
      'PREDICTIONS_ENABLED is "maybe": must be true or false (also 1, 0, yes, no)',
      'PREDICTIONS_SINK is "postgre://u:***@h/db": has an unknown scheme; did you mean "postgres"?',
      'PREDICTIONS_ROUTE is "/predict, POST predict": "/predict" has no method: write "POST /predict"',
      'PREDICTIONS_ROUTE is "/predict, POST predict": "POST predict" has a path that does not begin with a slash: write "POST /predict"',
    ])
    expect(() => resolveSettings({}, { PREDICTIONS_MONITOR_TOKEN: 'truth' })).toThrow(
      /PREDICTIONS_MONITOR_TOKEN is set, but what it is for is not in this version yet: unset it/,
    )
    expect(() => resolveSettings({}, { PREDICTIONS_TABLE: '.' })).toThrow(/^A mistake in the configuration:\n {2}/)
    expect(() => resolveSettings({}, env)).toThrow(/^7 mistakes in the configuration:\n/)
  })

  it.each<[string, unknown]>([
    ['sink', 5],
    ['sink', []],
    ['sink', {}],
    ['sink', { name: 'x' }],
    ['sink', { name: 'x', write: true }],
    ['sink', { name: 5, write() {} }],
    ['sink', [null]],
    ['sink', ''],
    ['sink', ['sqlite:a.db', 'sqlite:a.db']],
    ['table', 'a.b.c'],
    ['table', ''],
    ['table', null],
    ['route', []],
    ['route', [5]],
    ['model', ''],
    ['model', 'x'.repeat(256)],
    ['modelVersion', 3],
    ['schema', 3],
    ['format', 'xml'],
    ['format', { name: 'x' }],
    ['durability', true],
    ['outboxDir', ''],
    ['outboxDir', 'a\0b'],
    ['outboxMaxBytes', -1],
    ['outboxMaxBytes', 2048.5],
    ['outboxMaxBytes', NaN],
    ['outboxMaxBytes', Infinity],
    ['outboxMaxBytes', '1 GiB please'],
    ['outboxFsync', 1],
    ['holdTimeoutMs', 0],
    ['holdTimeoutMs', '5s'],
    ['whenFull', 'block'],
    ['batchSize', 10_001],
    ['batchSize', 1.5],
    ['batchSize', NaN],
    ['batchSize', '0x10'],
    ['batchSize', [5]],
    ['batchSize', null],
    ['flushIntervalMs', -1],
    ['sampleRate', 1.01],
    ['sampleRate', -0.1],
    ['sampleRate', NaN],
    ['sampleRate', 'all'],
    ['sampleRate', {}],
    ['sampleRate', 'POST /predict=2'],
    ['sampleRate', 'POST /predit=0.5'],
    ['sampleAlways', 'eror'],
    ['sampleAlways', true],
    ['redact', 'email:burn'],
    ['redact', [1]],
    ['redactKey', ''],
    ['tagHeaders', 'x y'],
    ['tagHeaders', 'Cookie'],
    ['maxBodyBytes', 0],
    ['idHeader', 'a b'],
    ['idHeader', 'Content-Length'],
    ['migrate', true],
    ['enabled', 'maybe'],
    ['logger', { info() {} }],
    ['logger', 5],
    ['elasticsearch', { indexBy: 'week' }],
    ['elasticsearch', { ca: '/no/such.pem' }],
    ['elasticsearch', 'x'],
    ['kafka', { saslMechanism: 'md5' }],
    ['kafka', null],
  ])('option %s: %j', (option, value) => {
    const found = mistakes({ [option]: value })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(new RegExp(`^(option |PREDICTIONS_)${option}`, 'i'))
  })

  it('options that are none', () => {
    expect(mistakes(null)).toEqual(['options must be an object'])
    expect(mistakes(5)).toEqual(['options must be an object'])
  })

  it('an inherited name is no option, and a member of another object no setting', () => {
    expect(mistakes({ constructor: 1, toString: 2 })).toHaveLength(2)
    expect(mistakes({}, { PREDICTIONS_CONSTRUCTOR: '1', PREDICTIONS___PROTO__: '1' })).toHaveLength(2)
  })

  it('an unknown name that is near to none comes with all names', () => {
    expect(mistakes({}, { PREDICTIONS_QUUX_ZYGOTE: '1' })[0]).toContain('known are PREDICTIONS_SINK, PREDICTIONS_TABLE')
    expect(mistakes({ quux: 1 })[0]).toContain('known are sink, table')
  })

  it('headers with credentials are refused with the reason', () => {
    for (const name of ['Authorization', 'cookie', 'Proxy-Authorization', 'Set-Cookie', 'X-API-Key'])
      expect(mistakes({}, { PREDICTIONS_TAG_HEADERS: name })[0]).toContain(
        'carries credentials, which are never stored',
      )
  })

  it('a hash needs a key', () => {
    expect(mistakes({ redact: 'ssn:hash' })).toEqual([
      'PREDICTIONS_REDACT_KEY is not set: "ssn:hash" in option redact needs a key',
    ])
  })

  it('what Kubernetes sets for a service named predictions… is none', () => {
    const env = {
      PREDICTIONS_SERVICE_HOST: '10.0.0.1',
      PREDICTIONS_SERVICE_PORT: '80',
      PREDICTIONS_SERVICE_PORT_HTTP: '80',
      PREDICTIONS_PORT: 'tcp://10.0.0.1:80',
      PREDICTIONS_PORT_80_TCP: 'tcp://10.0.0.1:80',
      PREDICTIONS_PORT_80_TCP_ADDR: '10.0.0.1',
      PREDICTIONS_DB_SERVICE_HOST: '10.0.0.1',
      PREDICTIONS_DB_PORT: 'tcp://10.0.0.1:5432',
    }
    expect(mistakes({}, env)).toEqual([])
    expect(mistakes({}, { PREDICTIONS_PORT: '3000' })).toHaveLength(1)
  })
})

describe('secrets are never shown', () => {
  const secret = 'S3CR3T'
  const secretKeys = (Object.keys(table) as Key[]).filter((key) => table[key].secret)

  it('are these', () => {
    expect(secretKeys).toEqual(['redactKey', 'elasticsearch.apiKey', 'kafka.password'])
  })

  it.each<[string, object, NodeJS.ProcessEnv]>([
    ['a URL in a mistake', { sink: `postgre://u:${secret}@h/db` }, {}],
    ['a URL among others', { sink: [`postgres://u:${secret}@h:x/db`, 5] }, {}],
    ['a URL with a space in the password', {}, { PREDICTIONS_SINK: `postgres://u:my ${secret}@h/db` }],
    ['a URL with a slash in the password', {}, { PREDICTIONS_SINK: `postgres://u:${secret}/${secret}@h/db` }],
    ['a URL with a query', { sink: `mongo://h/db?sslpassword=${secret}` }, {}],
    ['a URL in another variable', {}, { PREDICTIONS_TABLE: `a.b.postgres://u:${secret}@h/db` }],
    ['a URL in an unknown variable', {}, { PREDICTIONS_SINKS: `postgres://u:${secret}@h/db` }],
    ['a sink that is named by its URL', { sink: { name: `x://u:${secret}@h` } }, {}],
    ['a misspelt variable', {}, { PREDICTIONS_KAFKA_PASWORD: secret, PREDICTIONS_REDACT_KYE: secret }],
    ['a misspelt option', { redactKye: secret, kafka: { pasword: secret } }, {}],
    ['a key of the wrong type', { redactKey: [secret], kafka: { password: { secret } } }, {}],
    ['a key that is too long', {}, { PREDICTIONS_ELASTICSEARCH_API_KEY: secret.repeat(10_000) }],
  ])('%s', (_, options, env) => {
    const found = mistakes(options, env)
    expect(found).not.toEqual([])
    expect(found.join('\n')).not.toContain(secret)
    expect(found.join('\n')).not.toContain('S3')
  })
})

describe('the table of settings', () => {
  it('is the one of the documentation: every option has its variable by the same name', () => {
    for (const key of Object.keys(table) as Key[]) {
      const { variable, doc, allowed } = table[key]
      const name = `PREDICTIONS_${key.replace('.', '_').replace(/[A-Z]/g, '_$&').toUpperCase()}`
      expect(variable).toBe(key === 'logger' ? undefined : name)
      expect(doc).toMatch(/\.$/)
      expect(allowed).not.toBe('')
    }
  })

  it('has defaults that are allowed themselves', () => {
    const { sinks, routes, ...others } = resolveSettings({}, {})
    expect(mistakes({ ...others, sink: sinks, route: routes })).toEqual([])
  })
})
