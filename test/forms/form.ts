import type { CaptureOptions, PredictionSchema } from 'capture-predictions'

export type Row = Record<string, unknown>

/** A request and its reply as a protocol's documentation, or a public report, has them, and the rows that they are to be. */
export interface Form {
  readonly name: string
  /** Where it is from. */
  readonly source: string
  readonly options?: Pick<CaptureOptions, 'format' | 'instances' | 'predictions'>
  readonly request: unknown
  readonly reply: unknown
  /** Default: 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** What the stats say that it was taken for. */
  readonly format: string
  readonly features: readonly Row[]
  readonly outputs: readonly Row[]
  readonly tags?: Row
  readonly requestId?: string
  readonly model?: string
  readonly error?: string
  /** Notes in `extra`, by path: what their reason says. Default: there are none. */
  readonly extra?: Readonly<Record<string, string>>
  /** Default: one that has the members of the first row. */
  readonly schema?: PredictionSchema
  /** The rows' columns with this schema. Default: features and outputs. */
  readonly columns?: readonly Row[]
}

const typeOf = (value: unknown): object => {
  if (typeof value === 'number') return { type: 'number' }
  if (typeof value === 'boolean') return { type: 'boolean' }
  if (typeof value === 'string') return { type: 'string' }
  return Array.isArray(value) ? { type: 'array' } : {}
}

const objectOf = (row: Row = {}) => ({
  type: 'object' as const,
  properties: Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeOf(value)])),
})

export const schemaOf = ({ schema, features, outputs }: Form): PredictionSchema =>
  schema ?? { features: objectOf(features[0]), outputs: objectOf(outputs[0]) }

/** What one row has in its columns. */
export const columnsOf = ({ columns, features, outputs }: Form): readonly Row[] =>
  columns ??
  Array.from({ length: Math.max(features.length, outputs.length) }, (_, i) => ({ ...features[i], ...outputs[i] }))
