import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../src/schema/column.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import { fitNames, foldName } from '../../src/schema/names.ts'

const number = { type: 'number' }

const schemaOf = (names: readonly string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, number])),
})

const columnsNamed = (features: readonly string[], outputs: readonly string[] = ['prediction']) =>
  columnsOf({ features: schemaOf(features), outputs: schemaOf(outputs) })

const namesOf = (columns: readonly Column[], source: Column['source']) =>
  columns.filter((column) => column.source === source).map(({ name }) => name)

const features = (names: readonly string[], outputs?: readonly string[]) =>
  namesOf(columnsNamed(names, outputs), 'features')
const outputs = (names: readonly string[]) => namesOf(columnsNamed([], names), 'outputs')

/** Six digits of the SHA-256 of the text that is hashed. */
const digits = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 6)

const isUnique = (columns: readonly Column[]) =>
  new Set(columns.map(({ name }) => foldName(name))).size === columns.length

describe('names', () => {
  it('stay as they are: also reserved words, quotes, spaces', () => {
    const names = ['select', 'a b', 'it"s', "o'clock", '`', 'größe', '価格', '🌸', 'x'.repeat(100), ' ']
    expect(features(names)).toEqual(names)
  })

  it('get a prefix where they collide with ours, or a feature with an output', () => {
    expect(features(['id', 'Status', 'age', 'prediction'])).toEqual([
      'feature_id',
      'feature_Status',
      'age',
      'feature_prediction',
    ])
    expect(outputs(['id', 'error', 'score'])).toEqual(['output_id', 'output_error', 'score'])
    expect(features(['output_id'], ['id'])).toEqual(['feature_output_id'])
    const columns = columnsOf({ outputs: schemaOf(['features']) })
    expect(columns.slice(2, 4).map(({ name }) => name)).toEqual(['feature_features', 'features'])
  })

  it('that still clash end in digits of their path, all of them, in any order', () => {
    expect(features(['A', 'a', 'b'])).toEqual([`A_${digits('features["A"]')}`, `a_${digits('features["a"]')}`, 'b'])
    expect(features(['id', 'feature_id'])).toEqual([
      `feature_id_${digits('features["id"]')}`,
      `feature_id_${digits('features["feature_id"]')}`,
    ])
    expect(features(['a', 'A']).sort()).toEqual(features(['A', 'a']).sort())
  })

  it('of paths that give one name are told apart', () => {
    const columns = columnsOf({
      features: {
        properties: { a_b: number, 'a.b': number, a: { type: 'object', properties: { b: number } } },
      },
    })
    expect(namesOf(columns, 'features')).toEqual([
      `a_b_${digits('features["a_b"]')}`,
      `a_b_${digits('features["a.b"]')}`,
      `a_b_${digits('features["a","b"]')}`,
    ])
  })

  it('that are equal to MySQL are told apart', () => {
    expect(features(['é', 'e'])).toEqual([`é_${digits('features["é"]')}`, `e_${digits('features["e"]')}`])
    expect(new Set(features(['Ω', 'ω', 'é', 'e', 'İ', 'i']).map(foldName)).size).toBe(6)
  })

  it('that no store has are made safe', () => {
    expect(features(['', 'a\0b', 'a_b', '\ud800', '\ud801'])).toEqual([
      `_${digits('features[""]')}`,
      `a_b_${digits('features["a\\u0000b"]')}`,
      'a_b',
      `\ufffd_${digits('features["\\ud800"]')}`,
      `\ufffd_${digits('features["\\ud801"]')}`,
    ])
  })

  it('a dot is a nested name, which Knex would take for a table', () => {
    expect(features(['Sepal.Length'])).toEqual(['Sepal_Length'])
  })

  it('of colliding digits get more of them', () => {
    // The six digits of one name are those of another, plain name's end.
    const clash = `a_${digits('features["a"]')}`
    const columns = columnsNamed(['a', 'A', clash])
    expect(isUnique(columns)).toBe(true)
  })
})

describe('fitNames', () => {
  it('cuts names to bytes, without cutting a character', () => {
    const long = 'é'.repeat(40)
    const columns = columnsNamed([long, 'e'.repeat(63), 'x'.repeat(64)])
    expect(namesOf(fitNames(columns, 63), 'features')).toEqual([
      `${'é'.repeat(28)}_${digits(`features["${long}"]`)}`,
      'e'.repeat(63),
      `${'x'.repeat(56)}_${digits(`features["${'x'.repeat(64)}"]`)}`,
    ])
  })

  it('cuts names to characters', () => {
    const fitted = fitNames(columnsNamed(['é'.repeat(64), 'x'.repeat(65), '🌸'.repeat(65)]), 64, { unit: 'characters' })
    expect(namesOf(fitted, 'features').map((name) => [...name].length)).toEqual([64, 64, 64])
    expect(namesOf(fitted, 'features')[2]).toMatch(/^🌸{57}_[0-9a-f]{6}$/u)
  })

  it('replaces what a store refuses', () => {
    const fitted = fitNames(columnsNamed(['a🌸b🌸', 'plain']), 64, { refused: /\p{Emoji_Presentation}/gu })
    expect(namesOf(fitted, 'features')).toEqual([`a_b__${digits('features["a🌸b🌸"]')}`, 'plain'])
  })

  it('keeps the rest as it is', () => {
    const columns = columnsNamed(['a', 'b'])
    const fitted = fitNames(columns, 63)
    expect(fitted).toEqual(columns)
    expect(fitted[2]).toBe(columns[2])
  })
})

describe('digits that are the same by chance', () => {
  it('are followed by more', () => {
    const names = [6632, 6819].map((n) => 'x'.repeat(64) + n)
    const hashes = names.map((name) => createHash('sha256').update(`features["${name}"]`).digest('hex'))
    expect(hashes.map((hash) => hash.slice(0, 6))).toEqual(['f328f5', 'f328f5'])
    const fitted = namesOf(fitNames(columnsNamed(names), 63), 'features')
    expect(fitted).toEqual(hashes.map((hash) => `${'x'.repeat(50)}_${hash.slice(0, 12)}`))
  })
})

describe('2,000 features', () => {
  // Few letters, so that clashes are the rule.
  const name = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'A', 'é', 'E', '_', '.', '\0'), maxLength: 6 }),
    fc.constantFrom('id', 'ID', 'feature_id', 'output_id', 'prediction', 'features', '__proto__', 'constructor'),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.string({ unit: fc.constantFrom('x', 'X'), minLength: 60, maxLength: 70 }),
  )

  it('of any names have columns whose names are unique in any case, and fit', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { maxLength: 2000, size: 'max' }),
        fc.uniqueArray(name, { maxLength: 50 }),
        (featureNames, outputNames) => {
          const columns = columnsNamed(featureNames, outputNames)
          expect(isUnique(columns)).toBe(true)
          for (const [max, unit] of [
            [63, 'bytes'],
            [64, 'characters'],
            [30, 'bytes'],
          ] as const) {
            const fitted = fitNames(columns, max, { unit })
            expect(isUnique(fitted)).toBe(true)
            const lengths = fitted.map(({ name }) => (unit === 'bytes' ? Buffer.byteLength(name) : [...name].length))
            expect(Math.max(...lengths)).toBeLessThanOrEqual(max)
          }
        },
      ),
      { numRuns: 10 },
    )
  })

  it('that share their first 56 letters stay apart', () => {
    const names = Array.from({ length: 2000 }, (_, i) => `${'x'.repeat(60)}${i}`)
    const fitted = fitNames(columnsNamed(names), 63)
    expect(isUnique(fitted)).toBe(true)
    expect(namesOf(fitted, 'features').every((fit) => Buffer.byteLength(fit) <= 63)).toBe(true)
  })
})
