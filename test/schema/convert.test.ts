import { expect, it } from 'vitest'
import { recordFrom } from '../../src/records/record.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import { conversionCounts } from '../../src/schema/conversions.ts'
import { createRowMapper } from '../../src/schema/row.ts'

const types = {
  number: { type: 'number' },
  integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  string: { type: 'string' },
  'date-time': { type: 'string', format: 'date-time' },
  uuid: { type: 'string', format: 'uuid' },
  array: { type: 'array' },
} as const

let count = 0

/** What becomes of a value in a column of its own, as a feature and as an output: both alike. */
const store = (type: keyof typeof types, value: unknown, times = 1) => {
  const name = `v${count++}`
  const schema = { type: 'object', properties: { [name]: types[type] } }
  const columns = columnsOf({ features: schema, outputs: { type: 'object', properties: { [`out_${name}`]: types[type] } } })
  const mapper = createRowMapper(columns)
  const rows = Array.from({ length: times }, () => {
    const row = mapper(recordFrom({ id: '0199d3a0-1234-7000-8000-abcdef000000', timestamp: '2026-11-23T12:00:00.000Z', features: { [name]: value }, outputs: { [`out_${name}`]: value } })) // prettier-ignore
    return Object.fromEntries(columns.map((column, i) => [column.name, row[i]]))
  })
  const [first] = rows as [Record<string, unknown>]
  expect(first[`out_${name}`]).toEqual(first[name])
  const counts = conversionCounts()
  return {
    stored: first[name],
    notes: rows.map((row) => (row['extra'] as Record<string, { reason: string }> | null)?.[`features.${name}`]?.reason),
    counted: Object.keys(counts).filter((key) => key.startsWith(`features.${name}: `)),
    times: Object.values(counts).at(-1),
  }
} // prettier-ignore

it.each<[keyof typeof types, unknown, unknown, string]>([
  ['number', '5.1', 5.1, 'text as number'],
  ['number', '5.10', 5.1, 'text as number'],
  ['number', '-0.5e-3', -0.0005, 'text as number'],
  ['number', '42', 42, 'text as number'],
  ['number', '0.100000000000001', 0.100000000000001, 'text as number'],
  ['number', [2.5], 2.5, 'array of one as its element'],
  ['number', [[6.13]], 6.13, 'array of one as its element'],
  ['number', ['5.1'], 5.1, 'text as number'],
  ['integer', '42', 42, 'text as integer'],
  ['integer', '42.0', 42, 'text as integer'],
  ['integer', '-9223372036854775808', -(2n ** 63n), 'text as integer'],
  ['integer', '9007199254740993', 9007199254740993n, 'text as integer'],
  ['integer', true, 1, 'boolean as integer'],
  ['integer', false, 0, 'boolean as integer'],
  ['integer', [2], 2, 'array of one as its element'],
  ['boolean', 'true', true, 'text as boolean'],
  ['boolean', 'False', false, 'text as boolean'],
  ['boolean', [true], true, 'array of one as its element'],
  ['string', 5.1, '5.1', 'number as text'],
  ['string', 2n ** 60n, '1152921504606846976', 'number as text'],
  ['string', ['a'], 'a', 'array of one as its element'],
  ['uuid', ['0199D3A0-1234-7000-8000-ABCDEF000000'], '0199d3a0-1234-7000-8000-abcdef000000', 'array of one as its element'],
  ['date-time', 1_709_287_200, '2024-03-01T10:00:00.000Z', 'epoch seconds'],
  ['date-time', 1_709_287_200.25, '2024-03-01T10:00:00.250Z', 'epoch seconds'],
  ['date-time', 1_709_287_200_500, '2024-03-01T10:00:00.500Z', 'epoch milliseconds'],
  ['date-time', '1709287200', '2024-03-01T10:00:00.000Z', 'epoch seconds'],
  ['date-time', ['2024-03-01T10:00:00Z'], '2024-03-01T10:00:00.000Z', 'array of one as its element'],
])('in a column of type %s %o is stored, counted, and not noted in each row', (type, value, stored, as) => {
  const result = store(type, value, 3)
  expect(result).toMatchObject({ stored, notes: [undefined, undefined, undefined], times: 3 })
  expect(result.counted[0]).toMatch(new RegExp(`: ${as}$`))
}) // prettier-ignore

it.each(['2024-03-01 10:00:00', '2024-03-01T10:00:00'])('%s without a zone is UTC, which the first row says', (value) => {
  expect(store('date-time', value, 3)).toMatchObject({
    stored: '2024-03-01T10:00:00.000Z',
    notes: ['a date-time without a time zone, taken for UTC; said for the first one only', undefined, undefined],
    times: 3,
  })
}) // prettier-ignore

it('what is lost all the same is said in each row', () => {
  expect(store('date-time', 1_709_287_200.123456, 2)).toMatchObject({
    stored: '2024-03-01T10:00:00.123Z',
    notes: ['finer than milliseconds', 'finer than milliseconds'],
  })
  expect(store('date-time', '2024-03-01 10:00:00.123456').notes).toEqual(['finer than milliseconds'])
})

it('JSON stays what it is, also an array of one', () => {
  expect(store('array', [2])).toMatchObject({ stored: [2], counted: [] })
})

it('an array of nothing is nothing', () => {
  expect(store('number', [null])).toMatchObject({ stored: null, notes: [undefined] })
})

it('a number stays a number where it can: no text, no boolean', () => {
  expect(store('boolean', 1)).toMatchObject({ stored: null, notes: ['not a boolean'], counted: [] })
  expect(store('number', true)).toMatchObject({ stored: null, notes: ['not a number'], counted: [] })
})

it('the record’s own members are not converted: they are of our making', () => {
  const columns = columnsOf(undefined)
  const values = createRowMapper(columns)(recordFrom({ id: 'x', timestamp: '2026-11-23T12:00:00.000Z', status: '200' as never })) // prettier-ignore
  expect(values[columns.findIndex(({ name }) => name === 'status')]).toBeNull()
})
