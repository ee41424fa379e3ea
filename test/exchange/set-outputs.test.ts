import { expect, it } from 'vitest'
import { testCapture } from '../setup/captures.ts'

const header = (): string => 'application/json'

const outputsOf = async (body: unknown, reply: string, given: readonly object[], redact: readonly string[] = []) => {
  const { capture, records } = testCapture({ redact })
  const exchange = capture.begin({ route: 'POST /predict', headers: { 'content-type': 'application/json' } })
  exchange.request(body)
  for (const outputs of given) exchange.set(outputs as Record<string, unknown>)
  exchange.reply(JSON.parse(reply), 200, header)
  await exchange.end(200)
  expect(capture.stats().faults).toBe(0)
  return (await records()).map(({ json }) => (JSON.parse(json) as { outputs: unknown }).outputs)
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
  for (const redact of [[], NO_MATCH]) expect(await outputsOf({ a: 1 }, reply, given, redact)).toEqual([expected])
})

it('gives each instance of a batch its item, under any name', async () => {
  const given = JSON.parse('{"confidence":[0.9,0.8],"__proto__":[3,4],"all":"of them"}') as object
  const outputs = await outputsOf([{ a: 1 }, { a: 2 }], '[{"p":1},{"p":2}]', [given])
  expect(JSON.stringify(outputs)).toBe(
    '[{"p":1,"confidence":0.9,"__proto__":3,"all":"of them"},{"p":2,"confidence":0.8,"__proto__":4,"all":"of them"}]',
  )
})
