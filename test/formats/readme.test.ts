import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { formatNames } from '../../src/formats/index.ts'
import { readBoth, replyOf, requestOf } from './messages.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The table's rows that have JSON: format, request and reply. */
const lines = readme.split('\n').filter((line) => !line.includes('⏎'))
const examples = [...lines.join('\n').matchAll(/^\| `([a-z-]+)` \| `([[{].*?)` \| `([[{].*?)` \|/gm)].map(
  ([, format, request, reply]) => ({
    format: format!,
    request: JSON.parse(request!) as unknown,
    reply: JSON.parse(reply!) as unknown,
  }),
)

it('the README has an example of every format that is JSON', () => {
  const others = ['auto', 'csv', 'jsonl']
  expect(examples.map(({ format }) => format).sort()).toEqual(
    formatNames.filter((name) => !others.includes(name)).sort(),
  )
})

it.each(examples)('the example of $format is told by itself, a row an instance', ({ format, request, reply }) => {
  const read = readBoth(requestOf(request), replyOf(reply))
  expect(read.format.replace(/^pandas-.*/, 'pandas')).toBe(format)
  expect(read.features).toHaveLength(format === 'openai' ? 1 : 2)
  expect(read.outputs).toHaveLength(read.features.length)
  for (const row of [...read.features, ...read.outputs]) expect(Object.keys(row).length).toBeGreaterThan(0)
  expect(read.extra).toEqual({})
})
