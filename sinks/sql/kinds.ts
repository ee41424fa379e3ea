import type { RecordKind } from '../../src/records/stored.ts'
import type { Column } from '../../src/schema/column.ts'

/** In what the tables of predictions and of actuals differ. All by the names of the record's own columns. */
export interface TableKind {
  readonly kind: RecordKind
  /** Columns whose values never change for an id: a unique index of these, with `id` among them, tells what is there already. */
  readonly key: ReadonlySet<string>
  /** Those that may be null. */
  readonly optional: ReadonlySet<string>
  /** Without these there is no row, or no place for what does not fit: the others may be of any type. */
  readonly needed: ReadonlySet<string>
  /** Indexes that a new table gets, by the end of their name. */
  readonly indexes: Readonly<Record<string, readonly string[]>>
  /** The one of them that the view looks actuals up by. */
  readonly viewIndex?: string
}

export const predictionTable: TableKind = {
  kind: 'prediction',
  key: new Set(['id', 'timestamp']),
  optional: new Set(['request_id', 'error', 'tags', 'extra']),
  needed: new Set(['id', 'timestamp', 'extra']),
  indexes: { timestamp: ['timestamp'], model_timestamp: ['model', 'timestamp'] },
}

/** An actual that says no time has the time of its report, which is another one when it is reported again: its key is the id alone. */
export const actualTable: TableKind = {
  kind: 'actual',
  key: new Set(['id']),
  optional: new Set(['prediction_id', 'request_id', 'instance', 'source', 'tags', 'extra']),
  needed: new Set(['id', 'timestamp', 'prediction_id', 'request_id', 'instance', 'reported_at', 'retracted', 'extra']),
  indexes: {
    prediction: ['prediction_id', 'timestamp', 'reported_at', 'id'],
    request: ['request_id'],
    reported_at: ['reported_at'],
  },
  viewIndex: 'prediction',
}

/** Whether a column is the record's own one of that name. */
export const isOwn = ({ source, path }: Column, name: string): boolean => source === 'record' && path[0] === name

/** Whether a column is one of the record's own ones of these names. */
export const isOneOf = ({ source, path }: Column, names: ReadonlySet<string>): boolean =>
  source === 'record' && names.has(path[0] ?? '')
