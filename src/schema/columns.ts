import { PredictionsError } from '../errors/errors.ts'
import type { Column, ColumnType } from './column.ts'
import { nameActuals, nameColumns } from './names.ts'
import { referencesOf } from './refs.ts'
import { checkSchema, isKeywords, pointerStep, type JsonSchema, type Mistake, type PredictionSchema } from './schema.ts'
import { treeOf, type Tree } from './shape.ts'

const own = (name: string, type: ColumnType): Column => ({ name, type, source: 'record', path: [name] })

/** The record's own columns, before and after those of features and outputs. */
const before: readonly Column[] = [own('id', 'uuid'), own('timestamp', 'timestamp')]
const after: readonly Column[] = [
  own('model', 'text'),
  own('model_version', 'text'),
  own('request_id', 'text'),
  own('instance', 'integer'),
  own('status', 'smallint'),
  own('duration_ms', 'double'),
  own('error', 'text'),
  own('sample_weight', 'double'),
  own('tags', 'json'),
  own('extra', 'json'),
]

/** An actual's own columns, before and after its labels. */
const beforeActuals: readonly Column[] = [own('id', 'uuid'), own('timestamp', 'timestamp')]
const afterActuals: readonly Column[] = [
  own('prediction_id', 'uuid'),
  own('request_id', 'text'),
  own('instance', 'integer'),
  own('reported_at', 'timestamp'),
  own('retracted', 'boolean'),
  own('source', 'text'),
  own('tags', 'json'),
  own('extra', 'json'),
]

/** The names of an actual's own columns: all others of its table are labels. */
export const ownActualNames: readonly string[] = [...beforeActuals, ...afterActuals].map(({ name }) => name)

/** What a value that has no name is called: a scalar body, a scalar reply, a label alone. */
const scalarNames = { features: 'f0', outputs: 'prediction', actuals: 'actual' } as const
type SchemaPart = keyof typeof scalarNames

/** Several schemas for the same values, each a document of its own; an earlier one wins, property by property. */
const PRECEDENCE = 'x-precedence'

const documentsOf = (schema: JsonSchema | undefined, pointer: string): [document: unknown, pointer: string][] => {
  if (schema === undefined) return []
  const several: unknown = isKeywords(schema) ? schema[PRECEDENCE] : undefined
  if (!Array.isArray(several)) return [[schema, pointer]]
  return several.map((document, i) => [document, `${pointer}/${PRECEDENCE}/${i}`])
}

/** The first tree, and the properties that only the second has. */
const mergeProperties = (first: Tree, second: Tree): Tree => {
  if (typeof first === 'string' || typeof second === 'string') return first
  const merged = new Map(first)
  for (const [name, tree] of second) {
    const ours = merged.get(name)
    merged.set(name, ours === undefined ? tree : mergeProperties(ours, tree))
  }
  return merged
}

const readTree = (document: unknown, pointer: string, mistakes: Mistake[]): Tree => {
  const below: Mistake[] = []
  try {
    mistakes.push(...checkSchema(document, pointer))
    const schema = document as JsonSchema
    return treeOf(schema, referencesOf(schema), below)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    mistakes.push({ pointer, message: 'is circular or nested too deep: use $ref' })
    return 'json'
  } finally {
    mistakes.push(...below.map((mistake) => ({ ...mistake, pointer: pointer + mistake.pointer })))
  }
}

const leaves = (tree: Tree, source: SchemaPart, path: readonly string[]): Column[] =>
  typeof tree === 'string'
    ? [{ name: '', type: tree, source, path }]
    : Array.from(tree, ([name, below]) => leaves(below, source, [...path, name])).flat()

const columnsOfSource = (schema: JsonSchema | undefined, source: SchemaPart, mistakes: Mistake[]): Column[] => {
  const trees = documentsOf(schema, `/${source}`).map(([document, pointer]) => readTree(document, pointer, mistakes))
  const tree: Tree = trees.length > 0 ? trees.reduce(mergeProperties) : 'json'
  // Labels have names always: one that may be anything is `actual`, and no column holds the whole of them.
  const isScalar = typeof tree === 'string' && (tree !== 'json' || source === 'actuals')
  return leaves(tree, source, isScalar ? [scalarNames[source]] : [])
}

const unknownMembers = (schema: object): Mistake[] =>
  Object.keys(schema)
    .filter((name) => !['features', 'outputs', 'actuals', '$schema'].includes(name))
    .map((name) => ({
      pointer: pointerStep(name),
      message: 'is unknown: a schema has the members features, outputs and actuals',
    }))

const expectNone = (mistakes: readonly Mistake[]): void => {
  if (mistakes.length === 0) return
  const lines = mistakes.map(({ pointer, message }) => `  ${pointer}: ${message}`)
  throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `The schema has mistakes:\n${lines.join('\n')}`)
}

/**
 * The table's columns, in order: `id`, `timestamp`, features, outputs, and the rest of the record.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION` that lists every mistake in the schema with its JSON pointer
 * @example
 * columnsOf({ features: { type: 'object', properties: { sepal: { type: 'object', properties: { length: { type: 'number' } } } } } })
 * // id, timestamp, sepal_length, outputs, model, model_version, …
 */
export const columnsOf = (schema: PredictionSchema | undefined): readonly Column[] => {
  const mistakes: Mistake[] = []
  const given: unknown = schema ?? {}
  if (!isKeywords(given))
    throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', 'The schema must be an object of features and outputs')
  mistakes.push(...unknownMembers(given))
  const features = columnsOfSource(schema?.features, 'features', mistakes)
  const outputs = columnsOfSource(schema?.outputs, 'outputs', mistakes)
  expectNone(mistakes)
  const named = nameColumns(features, outputs, [...before, ...after])
  return [...before, ...named.features, ...named.outputs, ...after]
}

/** The label that is reported where the schema names none: of the type of the output `prediction`. */
const defaultLabel = (schema: PredictionSchema | undefined): Column => {
  const outputs = columnsOfSource(schema?.outputs, 'outputs', [])
  const type = outputs.find(({ path }) => path.length === 1 && path[0] === scalarNames.outputs)?.type ?? 'json'
  return { name: '', type, source: 'actuals', path: [scalarNames.actuals] }
}

/**
 * The columns of the table of actuals, in order: `id`, `timestamp`, a column a label, and the rest of the record.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION` that lists every mistake in the schema's member `actuals`
 * @example
 * actualColumnsOf({ outputs: { type: 'object', properties: { prediction: { type: 'integer' } } } })
 * // id, timestamp, actual (bigint), prediction_id, request_id, instance, reported_at, …
 */
export const actualColumnsOf = (schema: PredictionSchema | undefined): readonly Column[] => {
  const mistakes: Mistake[] = []
  const labels =
    schema?.actuals === undefined ? [defaultLabel(schema)] : columnsOfSource(schema.actuals, 'actuals', mistakes)
  expectNone(mistakes)
  return [...beforeActuals, ...nameActuals(labels, [...beforeActuals, ...afterActuals]), ...afterActuals]
}

const memberNames = (columns: readonly Column[], source: SchemaPart): readonly string[] => [
  ...new Set(columns.filter((column) => column.source === source).flatMap(({ path }) => path.slice(0, 1))),
]

/** Features' top-level names in the schema's order: what an array's items are called. Empty without a schema. */
export const featureNames = (columns: readonly Column[]): readonly string[] => memberNames(columns, 'features')

/** Labels' top-level names in the schema's order: `actual` where the schema names none. */
export const labelNames = (columns: readonly Column[]): readonly string[] => memberNames(columns, 'actuals')

/** Outputs' top-level names in the schema's order. Empty without a schema. */
export const outputNames = (columns: readonly Column[]): readonly string[] => memberNames(columns, 'outputs')

/** Features at the top level that are lists or objects, whose members have no columns of their own. */
export const listNames = (columns: readonly Column[]): ReadonlySet<string> =>
  new Set(
    columns
      .filter(({ source, type, path }) => source === 'features' && type === 'json' && path.length === 1)
      .map(({ path }) => path[0]!),
  )

const inOrder = (first: JsonSchema | undefined, second: JsonSchema | undefined): JsonSchema | undefined =>
  first === undefined || second === undefined ? (first ?? second) : { [PRECEDENCE]: [first, second] }

/**
 * The schema of the options and that of a Fastify route, as one: what the options say of a property wins, what they don't
 * mention the route says. Each keeps its own `$ref`s.
 */
export const mergeSchemas = (
  explicit: PredictionSchema | undefined,
  route: PredictionSchema | undefined,
): PredictionSchema | undefined => {
  if (explicit === undefined || route === undefined) return explicit ?? route
  return {
    features: inOrder(explicit.features, route.features),
    outputs: inOrder(explicit.outputs, route.outputs),
    actuals: explicit.actuals,
  }
}
