import { isDeepStrictEqual } from 'node:util'
import type { ColumnType } from './column.ts'
import type { References } from './refs.ts'
import { isKeywords, type JsonSchema, type Keywords, type Mistake } from './schema.ts'

/** The schemas from the document's root to here, so that one which holds itself is found. */
interface Trail {
  readonly schema: Keywords
  readonly up: Trail | undefined
}

/** A property's schemas: several where `allOf` or a `$ref` beside `properties` name it more than once. */
interface Property {
  readonly schema: JsonSchema
  readonly trail: Trail | undefined
}

/**
 * What a schema says of a value: its column's type, or its properties. `anything` says nothing (`{}`, `required` alone) and
 * gives way to whatever else is said; `null` alone is a value that is never there.
 */
type Shape = ColumnType | 'anything' | 'null' | Properties
type Properties = ReadonlyMap<string, readonly Property[]>

/** A schema's columns: a type, or a tree of them by property, in the schema's order. */
export type Tree = ColumnType | ReadonlyMap<string, Tree>

const isProperties = (shape: Shape): shape is Properties => typeof shape === 'object'
const strings = new Set<Shape>(['text', 'uuid', 'timestamp'])
const numbers = new Set<Shape>(['bigint', 'double'])

/** What fits both alternatives of an `anyOf`, `oneOf`, `enum` or list of types. */
const either = (a: Shape, b: Shape): Shape => {
  if (a === b || b === 'null') return a
  if (a === 'null') return b
  if (strings.has(a) && strings.has(b)) return 'text'
  if (numbers.has(a) && numbers.has(b)) return 'double'
  return 'json'
}

/** What is said by two schemas that both hold, as in `allOf`. */
const ofBoth = (a: Shape, b: Shape): Shape => {
  if (a === b || b === 'anything' || b === 'null') return a
  if (a === 'anything' || a === 'null') return b
  if (b === 'json') return a
  if (a === 'json') return b
  if (isProperties(a) && isProperties(b)) {
    const merged = new Map(a)
    for (const [name, schemas] of b) merged.set(name, [...(merged.get(name) ?? []), ...schemas])
    return merged
  }
  if (numbers.has(a) && numbers.has(b)) return 'bigint'
  if (a === 'text' && strings.has(b)) return b
  if (b === 'text' && strings.has(a)) return a
  return 'json'
}

const shapeOfValue = (value: unknown): Shape => {
  switch (typeof value) {
    case 'string':
      return 'text'
    case 'boolean':
      return 'boolean'
    case 'number':
      return Number.isSafeInteger(value) ? 'bigint' : 'double'
    default:
      return value === null ? 'null' : 'json'
  }
}

const typesByFormat = new Map<unknown, ColumnType>([
  ['date-time', 'timestamp'],
  ['uuid', 'uuid'],
])

const propertiesOf = (schema: Keywords, trail: Trail): Shape => {
  const { properties } = schema
  if (!isKeywords(properties)) return 'json'
  const entries = Object.entries(properties as Record<string, JsonSchema>)
  return entries.length > 0 ? new Map(entries.map(([name, property]) => [name, [{ schema: property, trail }]])) : 'json'
}

const shapeOfType = (type: unknown, schema: Keywords, trail: Trail): Shape => {
  switch (type) {
    case 'number':
      return 'double'
    case 'integer':
      return 'bigint'
    case 'boolean':
    case 'null':
      return type
    case 'string':
      return typesByFormat.get(schema['format']) ?? 'text'
    case 'object':
      return propertiesOf(schema, trail)
    default:
      return 'json'
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const typesOf = (schema: Keywords): readonly unknown[] => [schema['type'] ?? []].flat()

/** What a schema's own keywords say, without those that combine schemas. */
const ownShape = (schema: Keywords, trail: Trail): Shape => {
  const types = typesOf(schema)
  if (types.length > 0) return types.map((type) => shapeOfType(type, schema, trail)).reduce(either)
  if (schema['const'] !== undefined) return shapeOfValue(schema['const'])
  const values = listOf(schema['enum'])
  if (values.length > 0) return values.map(shapeOfValue).reduce(either)
  return schema['properties'] === undefined ? 'anything' : propertiesOf(schema, trail)
}

/** A table this wide is a mistake, or a schema whose references multiply. */
const MAX_COLUMNS = 10_000

/** The columns of a document's schema. What can't be made a column of is noted as a mistake. */
export const treeOf = (document: JsonSchema, { resolve, pointerOf }: References, mistakes: Mistake[]): Tree => {
  const targets = new Map<Keywords, JsonSchema | undefined>()
  let count = 0

  /** What a schema's `$ref` points to. A schema is met as often as it is referred to: it is looked up once. */
  const targetOf = (from: Keywords): JsonSchema | undefined => {
    const ref = from['$ref'] ?? from['$dynamicRef']
    if (typeof ref !== 'string' || targets.has(from)) return targets.get(from)
    const target = resolve(ref, from)
    targets.set(from, target)
    if (target === undefined)
      mistakes.push({
        pointer: `${pointerOf(from)}/$ref`,
        message: `${JSON.stringify(ref)} leads nowhere in this schema`,
      })
    return target
  }

  const shapeOf = (schema: JsonSchema, above: Trail | undefined): Shape => {
    if (!isKeywords(schema)) return 'anything'
    for (let at = above; at; at = at.up) if (at.schema === schema) return 'json'
    const trail = { schema, up: above }
    const shapesOf = (keyword: string) => listOf(schema[keyword]).map((part) => shapeOf(part as JsonSchema, trail))
    // Keywords beside a `$ref` count, although draft-07 has them ignored: `nullable` and `description` stand there.
    const target = targetOf(schema)
    const parts = [ownShape(schema, trail), ...shapesOf('allOf')]
    if (target !== undefined) parts.push(shapeOf(target, trail))
    for (const keyword of ['anyOf', 'oneOf']) {
      const alternatives = shapesOf(keyword)
      if (alternatives.length > 0) parts.push(alternatives.reduce(either))
    }
    return parts.reduce(ofBoth)
  }

  const grow = (shape: Shape): Tree => {
    if (isProperties(shape) && count <= MAX_COLUMNS) {
      const growAll = (schemas: readonly Property[]) =>
        grow(schemas.map(({ schema, trail }) => shapeOf(schema, trail)).reduce(ofBoth))
      return new Map(Array.from(shape, ([name, schemas]) => [name, growAll(schemas)]))
    }
    if (++count === MAX_COLUMNS + 1) mistakes.push({ pointer: '', message: `has more than ${MAX_COLUMNS} columns` })
    return typeof shape === 'object' || shape === 'anything' || shape === 'null' ? 'json' : shape
  }

  /** The schema at the end of a chain of references. */
  const dereference = (schema: JsonSchema): JsonSchema => {
    const seen = new Set<JsonSchema>()
    let at = schema
    while (isKeywords(at) && !seen.has(at)) {
      seen.add(at)
      at = targetOf(at) ?? at
    }
    return at
  }

  /** A batch's schema is that of its items. */
  const itemsOf = (schema: JsonSchema): JsonSchema => {
    const at = dereference(schema)
    if (!isKeywords(at) || !typesOf(at).includes('array')) return schema
    return isKeywords(at['items']) ? at['items'] : schema
  }

  /** One instance's schema: also where a body may be one instance or a batch of them. */
  const instanceOf = (schema: JsonSchema): JsonSchema => {
    const at = dereference(schema)
    const alternatives = isKeywords(at) && at['type'] === undefined ? listOf(at['anyOf'] ?? at['oneOf']) : []
    const [first, ...others] = alternatives.map((alternative) => dereference(itemsOf(alternative as JsonSchema)))
    if (first !== undefined && others.every((other) => isDeepStrictEqual(other, first))) return first
    return itemsOf(schema)
  }

  const tree = grow(shapeOf(instanceOf(document), undefined))
  return count > MAX_COLUMNS ? 'json' : tree
}
