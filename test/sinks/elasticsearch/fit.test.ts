import { describe, expect, it } from 'vitest'
import { fitField } from '../../../sinks/elasticsearch/fit.ts'
import type { Field } from '../../../sinks/elasticsearch/mappings.ts'

/** Types that the tests' server has not, as Maven Central has not their modules. */
const fields: readonly [found: Field, wanted: string, held: unknown[], not: unknown[]][] = [
  [{ type: 'scaled_float', scaling_factor: 100 }, 'double', [1.5, 0.126], [1e300]],
  [{ type: 'scaled_float', scaling_factor: 100 }, 'long', [2n ** 50n], [2n ** 60n]],
  [{ type: 'unsigned_long' }, 'long', [2n ** 62n, 0], [-1]],
  [{ type: 'unsigned_long' }, 'double', [3], [-3, 0.5]],
  [{ type: 'constant_keyword', value: 'setosa' }, 'keyword', ['setosa'], ['virginica']],
  [{ type: 'constant_keyword' }, 'keyword', [], ['virginica']],
]

describe('a field', () => {
  it.each(fields)('%o for %s holds %o and not %o', (found, wanted, held, not) => {
    const fit = fitField(found, { type: wanted })
    const holds = (value: unknown): boolean => (typeof fit === 'function' ? fit(value) : fit === 'all')
    expect(held.map(holds)).toEqual(held.map(() => true))
    expect(not.map(holds)).toEqual(not.map(() => false))
  })

  it.each(['match_only_text', 'wildcard', 'search_as_you_type', 'version'])('of type %s holds any text', (type) => {
    expect(fitField({ type }, { type: 'keyword' })).toBe('all')
  })

  it.each(['geo_point', 'dense_vector', 'constant_keyword', 'join'])('of type %s holds no number', (type) => {
    expect(fitField({ type }, { type: 'double' })).toBe('none')
  })
})
