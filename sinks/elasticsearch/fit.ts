import { isIP } from 'node:net'
import { timestamp } from '../../src/schema/timestamp.ts'
import {
  fitDouble,
  fitInteger,
  integerOf,
  isDay,
  type Fit,
  type NumberType,
  type ValueCheck,
} from '../../src/schema/fit.ts'
import { typeOf, type Field } from './mappings.ts'

/** https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/number */
const numbers: Readonly<Record<string, NumberType>> = {
  byte: integerOf(8),
  short: integerOf(16),
  integer: integerOf(32),
  long: integerOf(64),
  unsigned_long: integerOf(64, true),
  double: { kind: 'double' },
  float: { kind: 'single' },
}

const atMost =
  (limit: number): ValueCheck =>
  (value) =>
    Math.abs(Number(value)) <= limit

/**
 * Numbers in a field of numbers. A document keeps its values as they came, so that a field which is less exact, as `float` is, loses
 * nothing. But a field of integers cuts what it indexes.
 */
const fitNumber = (found: Field, wanted: string): Fit => {
  const type = typeOf(found)
  if (type === 'half_float') return atMost(65_504)
  if (type === 'scaled_float') return atMost(2 ** 63 / Number(found['scaling_factor']))
  const stored = numbers[type]
  if (stored === undefined) return 'none'
  if (wanted === 'double') return fitDouble(stored, false)
  return stored.kind === 'integer' ? fitInteger(wanted === 'long' ? 'bigint' : 'integer', stored) : 'all'
}

/** Formats of dates in which no moment is written as ours are; of others Elasticsearch is the judge. */
const OTHER_FORMAT =
  /^(epoch_(millis|second)|(strict_)?(date|basic_date|year|year_month|year_month_day|hour.*|time.*))$/

const takesMoments = ({ format }: Field): boolean =>
  typeof format !== 'string' || !format.split('||').every((one) => OTHER_FORMAT.test(one.trim()))

/** Nanoseconds since 1970 in 64 bits. */
const isInNanos: ValueCheck = (value) => {
  const time = Date.parse(value as string)
  return time >= 0 && time < 2 ** 63 / 1e6
}

const fitMoment = (found: Field): Fit => {
  if (!takesMoments(found)) return 'none'
  if (typeOf(found) === 'date_nanos') return isInNanos
  return typeOf(found) === 'date' ? 'all' : 'none'
}

const texts = new Set(['keyword', 'text', 'match_only_text', 'wildcard', 'search_as_you_type', 'version'])

const fitText = (found: Field): Fit => {
  const type = typeOf(found)
  if (texts.has(type)) return 'all'
  if (type === 'constant_keyword') return (value) => value === found['value']
  if (type === 'ip') return (value) => isIP(value as string) > 0
  if (type === 'date' && found['format'] === undefined)
    return (value) => isDay(value) || typeof timestamp(value) === 'string'
  return 'none'
}

/** How values that are to have the field `wanted` go into one that is there. */
export const fitField = (found: Field, wanted: Field): Fit => {
  const type = typeOf(found)
  // It keeps whatever comes.
  if (type === 'object' && found['enabled'] === false) return 'all'
  switch (typeOf(wanted)) {
    case 'object':
      // What is only to be kept may be longer and deeper than a flattened object is.
      if (wanted['enabled'] === false) return type === 'object' ? 'all' : 'none'
      return ['object', 'nested', 'flattened'].includes(type) ? 'all' : 'none'
    case 'flattened':
      return ['object', 'flattened'].includes(type) ? 'all' : 'none'
    case 'keyword':
      return fitText(found)
    case 'boolean':
      return ['boolean', 'keyword'].includes(type) ? 'all' : 'none'
    case 'date':
      return fitMoment(found)
    default:
      return fitNumber(found, typeOf(wanted))
  }
}
