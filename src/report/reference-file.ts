import { Ajv } from 'ajv'
import { PredictionsError } from '../errors/errors.ts'
import type { Answers, Comparison, Distribution, Group, Labelled, PlannedColumn, WindowAnswer } from './answers.ts'
import { isNumeric, LATENCY_EDGES } from './answers.ts'
import { own } from './own.ts'
import { NO_CELL } from './statistics/bins.ts'

/**
 * A reference as a file: what a good week, or a training set, looked like, as at most 100 bins a column. It holds counts and edges, and of
 * values only the names of categories.
 */
export interface ReferenceFile {
  readonly format: typeof FORMAT
  readonly version: typeof VERSION
  readonly model: string | null
  /** ISO 8601; null: not of a time, as a training set is. */
  readonly since: string | null
  readonly until: string | null
  readonly columns: readonly StoredColumn[]
  /** Where the rows had actuals. */
  readonly performance?: { readonly comparison: Comparison; readonly labelled: Labelled }
}

export interface StoredColumn extends PlannedColumn {
  readonly distribution: Distribution
}

const FORMAT = 'capture-predictions/reference'
const VERSION = 1
const MAX_EDGES = 102

const number = { type: 'number' }
const nothing = { type: 'null' }
const cell = { type: 'object', required: ['n', 'w', 'w2'], properties: { n: number, w: number, w2: number } }
const numbers = { type: 'array', items: number }
const strings = { type: 'array', items: { type: 'string' } }
const bins = { type: 'object', required: ['n', 'w', 'w2'], properties: { n: numbers, w: numbers, w2: numbers } }
const CELLS = ['present', 'missing', 'nonFinite', 'below', 'above', 'other', 'unseen']

const distribution = {
  type: 'object',
  required: [...CELLS, 'bins', 'unseenValues'],
  properties: {
    ...Object.fromEntries(CELLS.map((name) => [name, cell])),
    bins,
    unseenValues: { type: 'array' },
    moments: {
      type: 'object',
      required: ['mean', 'm2', 'min', 'max'],
      properties: { mean: number, m2: number, min: number, max: number },
    },
  },
}

const schema = {
  type: 'object',
  required: ['format', 'version', 'model', 'since', 'until', 'columns'],
  properties: {
    model: { anyOf: [{ type: 'string' }, nothing] },
    since: { anyOf: [{ type: 'string' }, nothing] },
    until: { anyOf: [{ type: 'string' }, nothing] },
    columns: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'role', 'kind', 'unique', 'edges', 'categories', 'complete', 'distribution'],
        properties: {
          name: { type: 'string' },
          role: { enum: ['feature', 'output'] },
          kind: { enum: ['number', 'category', 'boolean', 'time', 'json'] },
          member: strings,
          unique: { type: 'boolean' },
          edges: { ...numbers, maxItems: MAX_EDGES },
          categories: { ...strings, maxItems: 50 },
          complete: { type: 'boolean' },
          distribution,
        },
      },
    },
    performance: {
      type: 'object',
      required: ['comparison', 'labelled'],
      properties: { comparison: { type: 'object' }, labelled: { type: 'object' } },
    },
  },
}

const validate = new Ajv({ allErrors: false, strict: false }).compile<ReferenceFile>(schema)

const bad = (name: string, why: string): PredictionsError =>
  new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `${name} is no reference: ${why}`)

/** Bins that do not fit their edges would be compared with others' bins. */
const misfit = ({ columns }: ReferenceFile): string | undefined => {
  for (const { name, kind, unique, edges, categories, distribution } of columns) {
    if (unique || kind === 'json') continue
    const expected = isNumeric({ kind }) ? (edges.length === 1 ? 1 : Math.max(0, edges.length - 1)) : categories.length
    const { n, w, w2 } = distribution.bins
    if ([n, w, w2].some(({ length }) => length !== expected)) return `the column ${name} must have ${expected} bins`
    if (edges.some((edge, i) => i > 0 && edge < edges[i - 1]!)) return `the edges of ${name} must ascend`
    if ([...w, distribution.present.w, distribution.missing.w].some((weight) => !(weight >= 0)))
      return `the weights of ${name} must be at least 0`
  }
  return undefined
}

/**
 * The reference that a file's text holds.
 *
 * @param name of the file, for errors
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: no JSON, another format or version, or not whole
 */
export const parseReference = (text: string, name: string): ReferenceFile => {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw bad(name, `not JSON (${(error as Error).message}). Make one by "capture-predictions reference > ${name}"`)
  }
  const { format, version } = (typeof given === 'object' && given !== null ? given : {}) as Record<string, unknown>
  if (format !== FORMAT)
    throw bad(name, `its member "format" must be "${FORMAT}". Make one by "capture-predictions reference"`)
  if (version !== VERSION)
    throw bad(
      name,
      `it is of version ${JSON.stringify(version)}, and this package reads version ${VERSION}. Make it anew`,
    )
  if (!validate(given)) {
    const [error] = validate.errors ?? []
    throw bad(name, `${error?.instancePath.slice(1).replaceAll('/', '.') || 'it'} ${error?.message}`)
  }
  const why = misfit(given)
  if (why !== undefined) throw bad(name, why)
  return given
}

const withoutNews = (of: Distribution): Distribution => ({
  ...of,
  // All that the window has is known from now on.
  other: { n: of.other.n + of.unseen.n, w: of.other.w + of.unseen.w, w2: of.other.w2 + of.unseen.w2 },
  unseen: NO_CELL,
  unseenValues: [],
})

/** A reference of the current window of answers. */
export const referenceOf = ({ plan, current }: Answers): ReferenceFile => {
  const { comparison } = plan
  const { labelled } = current.all
  const columns = plan.columns.flatMap((column): StoredColumn[] => {
    const of = own(current.all.columns, column.name)
    if (!of) return []
    const distribution = withoutNews(of)
    return [{ ...column, complete: distribution.other.n === 0, distribution }]
  })
  return {
    format: FORMAT,
    version: VERSION,
    model: plan.model ?? null,
    since: current.since.toISOString(),
    until: current.until.toISOString(),
    columns,
    ...(comparison && labelled && labelled.labelled.n > 0 && { performance: { comparison, labelled } }),
  }
}

/** A line a column, so that two references can be compared line by line. */
export const referenceText = ({ columns, ...rest }: ReferenceFile): string => {
  const head = JSON.stringify(rest).slice(0, -1)
  return `${head},"columns":[\n${columns.map((column) => JSON.stringify(column)).join(',\n')}\n]}\n`
}

const noTraffic: Group['traffic'] = {
  instances: NO_CELL,
  errors: NO_CELL,
  latency: {
    n: LATENCY_EDGES.slice(1).map(() => 0),
    w: LATENCY_EDGES.slice(1).map(() => 0),
    w2: LATENCY_EDGES.slice(1).map(() => 0),
  },
}

/** The reference as a store would have answered it: put it into `Answers.reference`, and its columns into the plan. */
export const windowOf = (file: ReferenceFile): WindowAnswer => ({
  since: new Date(file.since ?? 0),
  until: new Date(file.until ?? 0),
  all: {
    traffic: noTraffic,
    columns: Object.fromEntries(file.columns.map(({ name, distribution }) => [name, distribution])),
    labelled: file.performance?.labelled,
    expected: [],
  },
  buckets: [],
  versions: {},
  slices: [],
  extra: [],
  unmatched: undefined,
})

/**
 * What of a reference can't be compared with the columns that there are, in words: a column that went, that came later, or that has another type.
 */
export const misfitsOf = (
  file: ReferenceFile,
  columns: readonly Pick<PlannedColumn, 'name' | 'kind'>[],
): { column: string; message: string }[] => {
  const kinds = new Map(columns.map(({ name, kind }) => [name, kind]))
  const known = new Set(file.columns.map(({ name }) => name))
  return [
    ...file.columns.flatMap(({ name, kind }) => {
      const now = kinds.get(name)
      if (now === undefined)
        return [{ column: name, message: `${name} is in the reference, and no more among the columns.` }]
      if (now !== kind)
        return [
          {
            column: name,
            message: `${name} is a ${now} now, and was a ${kind} in the reference: they can't be compared.`,
          },
        ]
      return []
    }),
    ...columns.flatMap(({ name }) =>
      known.has(name)
        ? []
        : [{ column: name, message: `${name} is not in the reference: there is nothing to compare it with.` }],
    ),
  ]
}
