import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { resolveSettings } from '../../src/config/settings.ts'
import { testCapture } from '../setup/captures.ts'

const SINKS = [
  'postgres://ada:s3cret-a@db.example/predictions?sslpassword=s3cret-b',
  'kafka://k:s3cret-c@kafka.example:9092/topic',
] as const

const settings = resolveSettings(
  {
    sink: Object.freeze([...SINKS]),
    redact: 'ssn:hash',
    redactKey: 's3cret-d',
    elasticsearch: { apiKey: 's3cret-e' },
    kafka: { password: 's3cret-f', username: 'u' },
  },
  {},
)

it.each([
  ['the settings', settings],
  ['the sinks', settings.sinks],
  ['Elasticsearch’s', settings.elasticsearch],
  ['Kafka’s', settings.kafka],
  ['what holds them', { app: { settings } }],
])('%s: a log of them, as JSON or by util.inspect, shows no secret', (_what, value) => {
  for (const text of [JSON.stringify(value), inspect(value, { depth: 9 }), `${inspect([value], { showHidden: false, depth: 9 })}`])
    expect(text).not.toContain('s3cret')
}) // prettier-ignore

it('shows all else', () => {
  const shown = JSON.parse(JSON.stringify(settings)) as Record<string, unknown>
  expect(shown).toMatchObject({
    sinks: ['postgres://ada:***@db.example/predictions?sslpassword=***', 'kafka://k:***@kafka.example:9092/topic'],
    redactKey: '***',
    elasticsearch: { apiKey: '***', indexBy: 'month' },
    kafka: { password: '***', username: 'u' },
    routes: ['POST /predict'],
  })
  expect(inspect(settings)).toContain('postgres://ada:***@db.example')
  // What is not set is not shown as if it were.
  expect(JSON.stringify(resolveSettings({}, {}))).not.toContain('***')
})

it('keeps the values themselves', () => {
  expect(settings.sinks).toEqual(SINKS)
  expect([settings.redactKey, settings.elasticsearch.apiKey, settings.kafka.password]).toEqual([
    's3cret-d',
    's3cret-e',
    's3cret-f',
  ])
})

it('a capture that is logged shows none', () => {
  const { capture } = testCapture({ redact: 'ssn:hash', redactKey: 's3cret-d' })
  expect(inspect(capture, { depth: 5 })).not.toContain('s3cret')
  expect(JSON.stringify(capture)).not.toContain('s3cret')
})
