/**
 * A column's type, in no store's words:
 *
 * | type | value of a row in JavaScript | Postgres | MySQL | SQLite | Elasticsearch |
 * |---|---|---|---|---|---|
 * | `text` | string | text | longtext (`model` …: varchar) | text | keyword |
 * | `double` | number, also NaN and infinities | double precision | double | real | double |
 * | `bigint` | number or bigint, within 64 bits | bigint | bigint | integer | long |
 * | `integer`, `smallint` | number | integer, smallint | int, smallint | integer | integer, short |
 * | `boolean` | boolean | boolean | boolean | integer | boolean |
 * | `timestamp` | string, ISO 8601 UTC with milliseconds | timestamptz | datetime(6) | text | date |
 * | `uuid` | string, lower case | uuid | char(36) | text | keyword |
 * | `json` | any JSON value; integers may be bigint | jsonb | json | text | object |
 */
export type ColumnType =
  'text' | 'double' | 'bigint' | 'integer' | 'smallint' | 'boolean' | 'timestamp' | 'uuid' | 'json'

/** One column of the table: what it is called, what it holds, and where in a record its value stands. */
export interface Column {
  /** The name as stored. Not yet cut to a store's limit (see `fitNames`). */
  readonly name: string
  readonly type: ColumnType
  /** Where the value comes from: a member of the record itself, or of its features, outputs or (of an actual) labels. */
  readonly source: 'record' | 'features' | 'outputs' | 'actuals'
  /** Member names below the source: `['sepal', 'length']`; `[]` is the whole of features or outputs. */
  readonly path: readonly string[]
}
