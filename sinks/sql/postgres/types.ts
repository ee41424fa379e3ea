import type { Column, ColumnType } from '../../../src/schema/column.ts'
import type { ExistingColumn, Limits } from '../dialect.ts'
import {
  baseOf,
  both,
  charactersUpTo,
  fitDouble,
  fitInteger,
  integerOf,
  isDay,
  nearestIn,
  fitsOneOf,
  parametersOf,
  withDigits,
  withoutSpacesAtEnd,
  type Fit,
  type Nearest,
  type NumberType,
  type ValueCheck,
} from '../../../src/schema/fit.ts'

type Spell = (text: string) => string

const types: Readonly<Record<ColumnType, string>> = {
  text: 'text',
  double: 'double precision',
  bigint: 'bigint',
  integer: 'integer',
  smallint: 'smallint',
  boolean: 'boolean',
  timestamp: 'timestamp with time zone',
  uuid: 'uuid',
  json: 'jsonb',
}

export const typeOf = ({ type }: Column): string => types[type]

/** Of a text that is stored elsewhere 24 bytes stay in the row; a page has 8,160 for it. */
const widths: Readonly<Record<ColumnType, number>> = {
  text: 24,
  double: 8,
  bigint: 8,
  integer: 8,
  smallint: 8,
  boolean: 8,
  timestamp: 8,
  uuid: 16,
  json: 24,
}

/** https://www.postgresql.org/docs/current/limits.html */
export const limits: Limits = { columns: 1600, rowBytes: 7800, widthOf: ({ type }) => widths[type] }

/** The length of an identifier at most, in bytes. */
export const MAX_NAME = 63

const numberTypeOf = (type: string): NumberType | undefined => {
  const [precision, scale = 0] = parametersOf(type)
  switch (baseOf(type)) {
    case 'smallint':
      return integerOf(16)
    case 'integer':
      return integerOf(32)
    case 'bigint':
      return integerOf(64)
    case 'real':
      return { kind: 'single' }
    case 'double precision':
      return { kind: 'double' }
    case 'numeric':
      return precision === undefined ? { kind: 'decimal without limit' } : { kind: 'decimal', precision, scale }
    default:
      return undefined
  }
}

/** Whether a type is an array's. */
export const isArray = (type: string): boolean => type.endsWith('[]')

const isElement: Readonly<Record<string, ValueCheck>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number' || typeof value === 'bigint',
  boolean: (value) => typeof value === 'boolean',
}

const elementOf = (type: string): readonly [kind: string, ours: ColumnType] | undefined => {
  if (numberTypeOf(type)) return ['number', 'double']
  if (type === 'boolean') return ['boolean', 'boolean']
  return /^(text|character varying)/.test(type) ? ['string', 'text'] : undefined
}

/** What a column of doubles holds of those that fit. */
export const nearest = ({ type }: ExistingColumn): Nearest | undefined => {
  const numberType = numberTypeOf(type)
  return numberType && nearestIn(numberType)
}

/** A list of which all elements fit, and as they are, or are null. */
const fitArray = (type: string, spell: Spell): Fit => {
  const element: ExistingColumn = { name: '', type: type.slice(0, -2), nullable: true, filled: false, generated: false }
  const found = elementOf(element.type)
  if (found === undefined) return 'none'
  const [kind, ours] = found
  const fits = fit(element, { name: '', type: ours, source: 'features', path: [] }, spell)
  if (fits === 'none') return 'none'
  const held = nearest(element)
  const check: ValueCheck = (value) =>
    isElement[kind]!(value) && (fits === 'all' || fits(value)) && (!held || held(Number(value)) === value)
  return (value) => Array.isArray(value) && value.every((item) => item === null || check(item))
}

const fitText = ({ type, labels }: ExistingColumn, spell: Spell): Fit => {
  if (labels) return fitsOneOf(labels)
  const [max] = parametersOf(type)
  switch (baseOf(type)) {
    case 'date':
      return isDay
    case 'character':
      return both(charactersUpTo(max ?? 1, spell), withoutSpacesAtEnd)
    case 'text':
    case 'citext':
      return 'all'
    case 'character varying':
      return max === undefined ? 'all' : charactersUpTo(max, spell)
    default:
      return 'none'
  }
}

const fitUuid = (type: string): Fit => {
  const [max = Infinity] = parametersOf(type)
  switch (baseOf(type)) {
    case 'uuid':
    case 'text':
    case 'citext':
      return 'all'
    case 'character varying':
      return max >= 36 ? 'all' : 'none'
    case 'character':
      return max === 36 ? 'all' : 'none'
    default:
      return 'none'
  }
}

const fitJson = (type: string, spell: Spell): Fit =>
  isArray(type) ? fitArray(type, spell) : ['jsonb', 'json', 'text', 'character varying'].includes(type) ? 'all' : 'none'

/** An index's entry takes at most a third of a page: https://www.postgresql.org/docs/current/btree.html */
const indexed = (spell: Spell): Fit => charactersUpTo(600, spell)

/** A moment in a column for days would lose its time. */
const fitTimestamp = (type: string, { source }: Column): Fit => {
  // A record's own time is never a day's.
  if (type === 'date') return source === 'record' ? 'none' : isDay
  if (!/^timestamp(\(\d\))? with(out)? time zone$/.test(type)) return 'none'
  // The record's own time may be less exact than it was: who made the column wants it so.
  return source === 'record' ? 'all' : withDigits(parametersOf(type)[0] ?? 6)
}

/** @param spell how text is stored */
export const fit = (existing: ExistingColumn, column: Column, spell: Spell): Fit => {
  const { type } = existing
  const numberType = numberTypeOf(type)
  switch (column.type) {
    case 'text':
      return column.source === 'record' && column.path[0] === 'model'
        ? both(fitText(existing, spell), indexed(spell))
        : fitText(existing, spell)
    case 'double':
      return numberType ? fitDouble(numberType, true) : 'none'
    case 'bigint':
    case 'integer':
    case 'smallint':
      return numberType ? fitInteger(column.type, numberType) : 'none'
    case 'boolean':
      return type === 'boolean' ? 'all' : 'none'
    case 'timestamp':
      return fitTimestamp(type, column)
    case 'uuid':
      return fitUuid(type)
    case 'json':
      // The record's own are objects.
      return column.source === 'record' && isArray(type) ? 'none' : fitJson(type, spell)
  }
}
