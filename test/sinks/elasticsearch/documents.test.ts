import { describe, expect, it } from 'vitest'
import { documentWriter, fitFieldNames, indexNamer, type Document } from '../../../sinks/elasticsearch/documents.ts'
import { decode } from '../../../src/records/json.ts'
import { recordFromJson } from '../../../src/records/record.ts'
import { columnsOf } from '../../../src/schema/columns.ts'
import { record } from '../records.ts'

const writerOf = (properties?: object) =>
  documentWriter(
    fitFieldNames(columnsOf(properties && { features: { type: 'object', properties } })),
    indexNamer('predictions', 'month'),
  )

/** What became of a record after its way through the outbox. */
const documentsOf = (features: object, properties?: object): Document[] => {
  const from = recordFromJson(record({ features: features as Record<string, unknown> }).json)
  const { draft, write, writeAside } = writerOf(properties)
  const drafted = () => {
    const made = draft(from, 3)
    return 'reason' in made ? expect.fail(made.reason) : made
  }
  return [write(drafted(), []), writeAside(drafted(), [], 'why')]
}
const sourceOf = (document: Document) => decode(document.source) as Readonly<Record<string, object>>

describe('a document', () => {
  it('goes to the index of its month, and knows its place in the batch', () => {
    const [document] = documentsOf({})
    expect(document).toMatchObject({ index: 'predictions-2026.11', place: 3 })
  })

  it.each<[string, object, object]>([
    ['-0', { a: -0, b: [-0] }, { a: { type: 'number' }, b: { type: 'array' } }],
    ['integers past 2^53', { a: 2n ** 60n, b: [2n ** 60n] }, { a: { type: 'integer' }, b: { type: 'array' } }],
    ['what looks like a way to JSON', { toJSON: 'x' }, { toJSON: { type: 'string' } }],
  ])('loses nothing: %s', (_what, features, properties) => {
    for (const schema of [undefined, properties])
      expect(sourceOf(documentsOf(features, schema)[0]!)['features']).toEqual(features)
  })

  it('has a field for a feature of any name', () => {
    const properties = JSON.parse('{"__proto__":{"type":"string"},"toString":{"type":"string"}}') as object
    const features = JSON.parse('{"__proto__":"a","toString":"b"}') as object
    expect(Object.values(sourceOf(documentsOf(features, properties)[0]!)['features']!).sort()).toEqual(['a', 'b'])
  })

  it.each([undefined, { deep: { type: 'string' } }])('keeps what is as deep as a record can be: %j', (properties) => {
    const nested = (levels: number): unknown => (levels === 0 ? ['the core'] : [nested(levels - 1)])
    const features = { deep: nested(198) }
    expect(record({ features }).json).toContain('the core')
    for (const { source } of documentsOf(features, properties)) expect(source).toContain('the core')
  })
})
