import { describe, expect, it } from 'vitest'
import { keyMaker, schemaId } from '../../../sinks/kafka/message.ts'
import { recordFromJson } from '../../../src/records/record.ts'
import type { Column } from '../../../src/schema/column.ts'
import { idOf, recordOf } from './records.ts'

const keys = (...texts: string[]): string[] => {
  const keyOf = keyMaker()
  return texts.map((text) => keyOf(recordFromJson(text)).toString())
}
const base = idOf(1).slice(0, 32)

describe("a record's key", () => {
  it('is the model and the id without the instance, read from the text as capture writes it', () => {
    const texts = ['iris', 'iris', 'iris2', 'iri', '"quoted" \\', 'é', '', 'iris'].map(
      (model) => recordOf(1, { model }).json,
    )
    // Cut off in the middle of the features: whoever parses fails.
    const cut = texts.map((text) => text.slice(0, text.indexOf('"features"')))
    expect(keys(...cut)).toEqual(
      ['iris', 'iris', 'iris2', 'iri', '"quoted" \\', 'é', '', 'iris'].map((m) => `${m}:${base}`),
    )
  })

  it.each([
    ['no model', { status: 200 }, ''],
    ['the model further on', { status: 200, model: 'iris' }, 'iris'],
    ['a longer timestamp', { timestamp: '2026-11-23T00:00:00.000000Z', model: 'iris' }, 'iris'],
  ])('is right too where the text has %s', (_, members, model) => {
    const text = JSON.stringify({ id: idOf(1), timestamp: '2026-11-23T00:00:00.000Z', ...members })
    expect(keys(recordOf(1, { model: 'wine' }).json, text)).toEqual([`wine:${base}`, `${model}:${base}`])
  })
})

describe('a schema id', () => {
  const column: Column = { name: 'a', type: 'double', source: 'features', path: ['a'] }

  it('is the same for the same columns, and another for others', () => {
    expect(schemaId([column])).toBe(schemaId([{ ...column }]))
    expect(schemaId([column])).not.toBe(schemaId([{ ...column, type: 'text' }]))
    expect(schemaId([])).toMatch(/^[\da-f]{16}$/)
  })
})
