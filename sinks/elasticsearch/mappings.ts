import type { Column, ColumnType } from '../../src/schema/column.ts'

/** A field's mapping, as Elasticsearch has it (https://www.elastic.co/docs/reference/elasticsearch/mapping-reference). */
export interface Field {
  readonly type?: string
  readonly properties?: Fields
  readonly fields?: Fields
  readonly dynamic?: boolean | string
  readonly [parameter: string]: unknown
}

/** Fields by name. */
export type Fields = Readonly<Record<string, Field>>

export interface Mappings {
  readonly properties?: Fields
  readonly [parameter: string]: unknown
}

/**
 * The longest string that is indexed, in UTF-16 units: as many as always fit Lucene's limit of 32,766 bytes a term. Longer ones
 * are stored, and not found by their value.
 */
const IGNORE_ABOVE = 8191

const keyword = { type: 'keyword', ignore_above: IGNORE_ABOVE } as const

/** JSON has no field: it is kept in the document, unindexed, as any mapping would refuse the next value of another shape. */
const fields: Readonly<Record<Exclude<ColumnType, 'json'>, Field>> = {
  text: keyword,
  uuid: keyword,
  double: { type: 'double' },
  bigint: { type: 'long' },
  integer: { type: 'integer' },
  smallint: { type: 'short' },
  boolean: { type: 'boolean' },
  timestamp: { type: 'date' },
}

/** The record's own JSON members. Keys of `extra` are paths, and its values are what did not fit: it is never looked into. */
const ownJson: Fields = {
  tags: { type: 'flattened', ignore_above: IGNORE_ABOVE },
  extra: { type: 'object', enabled: false },
}

/** Whether a column holds the whole of features or outputs, as there is no schema for them. */
export const isWhole = ({ source, path }: Column): boolean => source !== 'record' && path.length === 0

/** Whether a column may hold anything: the whole of features or outputs, or a label without a type. */
const isOpen = (column: Column): boolean => isWhole(column) || (column.source === 'actuals' && column.type === 'json')

/** What a document nests: an actual has labels, a prediction features and outputs. */
export const nestedSources = (columns: readonly Column[]): readonly Exclude<Column['source'], 'record'>[] =>
  columns.some(({ source }) => source === 'actuals') ? ['actuals'] : ['features', 'outputs']

/**
 * Features, outputs or labels. Without sub-objects `{ "a": 1 }` and `{ "a": { "b": 1 } }` are the fields `a` and `a.b` and go together,
 * and names are what they are, whatever dots they have.
 */
const nested = (columns: readonly Column[], source: Column['source']): Field => {
  const below = columns.filter((column) => column.source === source)
  return { type: 'object', subobjects: false, dynamic: below.some(isOpen), properties: typed(below) }
}

const typed = (columns: readonly Column[]): Record<string, Field> =>
  Object.fromEntries(columns.flatMap(({ name, type }) => (type === 'json' ? [] : [[name, fields[type]]])))

/** The fields of a document with these columns. */
export const mappingOf = (columns: readonly Column[]): Record<string, Field> => ({
  '@timestamp': fields.timestamp,
  ...typed(columns.filter(({ source }) => source === 'record')),
  ...ownJson,
  ...Object.fromEntries(nestedSources(columns).map((source) => [source, nested(columns, source)])),
})

const dynamic = (from: string, mapping: Field) => ({
  [`predictions_${from}`]: { match_mapping_type: from, path_match: ['features.*', 'outputs.*', 'actuals.*'], mapping },
})

/**
 * Where there is no schema: the first value of a field gives its type, and a later one of another type is kept and not indexed.
 * All numbers are doubles, as 5 may be followed by 5.1.
 */
const dynamicTemplates = [
  dynamic('long', { type: 'double', ignore_malformed: true }),
  dynamic('double', { type: 'double', ignore_malformed: true }),
  dynamic('boolean', { type: 'boolean', ignore_malformed: true }),
  dynamic('string', keyword),
]

/** Fields that requests may add where there is no schema: those after them are kept and not indexed. */
const DYNAMIC_FIELDS = 1000

/** Nothing longer becomes a field's name: names come from requests where there is no schema. */
const NAME_LENGTH = 512

/** An index's settings as GET gives them: values are strings. */
export interface IndexSettings {
  readonly index?: { readonly mapping?: { readonly total_fields?: { readonly limit?: string } } }
  readonly [parameter: string]: unknown
}

/** How many fields an index may have; 1,000 where nothing is said. */
export const limitOf = (settings: IndexSettings | undefined): number =>
  Number(settings?.index?.mapping?.total_fields?.limit ?? 1000)

export interface Template {
  readonly index_patterns: readonly string[]
  readonly template?: {
    readonly aliases?: Readonly<Record<string, object>>
    readonly settings?: IndexSettings
    readonly mappings?: Mappings
  }
  readonly [parameter: string]: unknown
}

/** How many fields count towards an index's limit: sub-fields and objects do too. */
export const countFields = (properties: Fields = {}): number =>
  Object.values(properties).reduce(
    (sum, { properties: below, fields }) => sum + 1 + countFields(below) + countFields(fields),
    0,
  )

/** Room for the fields, and for those that requests may add. */
export const limitFor = (properties: Fields): number => countFields(properties) + DYNAMIC_FIELDS

export const LIMIT = 'index.mapping.total_fields.limit'

export const patternOf = (prefix: string): string => `${prefix}-*`

/** The index template for a prefix. A longer prefix has the higher priority: `predictions-iris-*` beats `predictions-*`. */
export const indexTemplateOf = (prefix: string, properties: Fields): Template => ({
  index_patterns: [patternOf(prefix)],
  priority: 200 + prefix.length,
  template: {
    aliases: { [prefix]: {} },
    settings: {
      [LIMIT]: limitFor(properties),
      'index.mapping.total_fields.ignore_dynamic_beyond_limit': true,
      'index.mapping.field_name_length.limit': NAME_LENGTH,
    },
    mappings: {
      dynamic: false,
      date_detection: false,
      numeric_detection: false,
      dynamic_templates: dynamicTemplates,
      properties,
    },
  },
  _meta: { description: 'Predictions or their actuals, as capture-predictions writes them' },
})

/** Of objects nothing is said. */
export const typeOf = ({ type = 'object' }: Field): string => type
