import { PredictionsError } from '../errors/errors.ts'
import type { Column, ColumnType } from './column.ts'
import { nameColumns } from './names.ts'
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

/** What a value that has no name is called: a scalar body, a scalar reply. */
const scalarNames = { features: 'f0', outputs: 'prediction' } as const
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
  const isScalar = typeof tree === 'string' && tree !== 'json'
  return leaves(tree, source, isScalar ? [scalarNames[source]] : [])
}

const unknownMembers = (schema: object): Mistake[] =>
  Object.keys(schema)
    .filter((name) => name !== 'features' && name !== 'outputs' && name !== '$schema')
    .map((name) => ({
      pointer: pointerStep(name),
      message: 'is unknown: a schema has the members features and outputs',
    }))

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
  if (mistakes.length > 0) {
    const lines = mistakes.map(({ pointer, message }) => `  ${pointer}: ${message}`)
    throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `The schema has mistakes:\n${lines.join('\n')}`)
  }
  const named = nameColumns(features, outputs, [...before, ...after])
  return [...before, ...named.features, ...named.outputs, ...after]
}

const memberNames = (columns: readonly Column[], source: SchemaPart): readonly string[] => [
  ...new Set(columns.filter((column) => column.source === source).flatMap(({ path }) => path.slice(0, 1))),
]

/** Features' top-level names in the schema's order: what an array's items are called. Empty without a schema. */
export const featureNames = (columns: readonly Column[]): readonly string[] => memberNames(columns, 'features')

/** Outputs' top-level names in the schema's order. Empty without a schema. */
export const outputNames = (columns: readonly Column[]): readonly string[] => memberNames(columns, 'outputs')

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
  return { features: inOrder(explicit.features, route.features), outputs: inOrder(explicit.outputs, route.outputs) }
}
