import { expect, it } from 'vitest'
import { testCapture } from '../setup/captures.ts'

const header = (): string => 'application/json'

const outputsOf = async (reply: string, given: readonly object[], redact: readonly string[]) => {
  const { capture, records } = testCapture({ redact })
  const exchange = capture.begin({ route: 'POST /predict', headers: { 'content-type': 'application/json' } })
  exchange.request({ a: 1 })
  for (const outputs of given) exchange.set(outputs as Record<string, unknown>)
  exchange.reply(JSON.parse(reply), 200, header)
  await exchange.end(200)
  expect(capture.stats().faults).toBe(0)
  const [record] = await records()
  return JSON.parse(record!.json) as unknown
}

/** Rules that name nothing here: by them a format reads what is ordinary without. */
const NO_MATCH = ['nothing']

it.each<[string, string, readonly object[]]>([
  ['members beside', '{"prediction":1}', [{ confidence: 0.9 }]],
  ['the same member: it wins', '{"prediction":1}', [{ prediction: 2 }]],
  ['several times', '{"prediction":1}', [{ a: 1, b: { c: 1 } }, { b: 2 }]],
  ['beside a name that objects have', '{"prediction":1,"__proto__":{"a":1}}', [{ confidence: 0.9 }]],
  ['of such a name', '{"prediction":1}', [JSON.parse('{"__proto__":2}') as object]],
])('keeps what was set before the reply, %s, whichever way it is read', async (_what, reply, given) => {
  const expected = Object.fromEntries([JSON.parse(reply) as object, ...given].flatMap((each) => Object.entries(each)))
  for (const redact of [[], NO_MATCH]) expect(await outputsOf(reply, given, redact)).toHaveProperty('outputs', expected)
})
