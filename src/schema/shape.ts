import type { ColumnType } from './column.ts'
import type { Resolver } from './refs.ts'
import { isKeywords, type JsonSchema, type Keywords } from './schema.ts'

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
const both = (a: Shape, b: Shape): Shape => {
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

const formats: Readonly<Record<string, ColumnType>> = { 'date-time': 'timestamp', uuid: 'uuid' }

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
      return (typeof schema['format'] === 'string' && formats[schema['format']]) || 'text'
    case 'object':
      return propertiesOf(schema, trail)
    default:
      return 'json'
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** What a schema's own keywords say, without those that combine schemas. */
const ownShape = (schema: Keywords, trail: Trail): Shape => {
  const types = [schema['type'] ?? []].flat()
  if (types.length > 0) return types.map((type) => shapeOfType(type, schema, trail)).reduce(either)
  if (schema['const'] !== undefined) return shapeOfValue(schema['const'])
  const values = listOf(schema['enum'])
  if (values.length > 0) return values.map(shapeOfValue).reduce(either)
  return schema['properties'] === undefined ? 'anything' : propertiesOf(schema, trail)
}

/** A table this wide is a mistake, or a schema whose references multiply. */
const MAX_COLUMNS = 10_000

/** The schema can't be made columns of, for a reason that the meta-schema doesn't know. */
export class ShapeError extends Error {}

/**
 * The columns of a document's schema.
 * @throws ShapeError for a `$ref` that leads nowhere, and more than 10,000 columns
 */
export const treeOf = (schema: JsonSchema, resolve: Resolver): Tree => {
  let count = 0

  const refOf = (from: Keywords): JsonSchema | undefined => {
    const ref = from['$ref'] ?? from['$dynamicRef']
    if (typeof ref !== 'string') return undefined
    const target = resolve(ref, from)
    if (target === undefined) throw new ShapeError(`$ref ${JSON.stringify(ref)} leads nowhere in this schema`)
    return target
  }

  const shapeOf = (of: JsonSchema, above: Trail | undefined): Shape => {
    if (!isKeywords(of)) return 'anything'
    for (let at = above; at; at = at.up) if (at.schema === of) return 'json'
    const trail = { schema: of, up: above }
    const shapesOf = (keyword: string) => listOf(of[keyword]).map((part) => shapeOf(part as JsonSchema, trail))
    // Keywords beside a `$ref` count, although draft-07 has them ignored: `nullable` and `description` stand there.
    const target = refOf(of)
    const parts = [ownShape(of, trail), ...shapesOf('allOf')]
    if (target !== undefined) parts.push(shapeOf(target, trail))
    for (const keyword of ['anyOf', 'oneOf']) {
      const alternatives = shapesOf(keyword)
      if (alternatives.length > 0) parts.push(alternatives.reduce(either))
    }
    return parts.reduce(both)
  }

  const grow = (shape: Shape): Tree => {
    if (isProperties(shape))
      return new Map(
        Array.from(shape, ([name, schemas]) => [
          name,
          grow(schemas.map((of) => shapeOf(of.schema, of.trail)).reduce(both)),
        ]),
      )
    if (++count > MAX_COLUMNS) throw new ShapeError(`has more than ${MAX_COLUMNS} columns`)
    return shape === 'anything' || shape === 'null' ? 'json' : shape
  }

  /** A batch's schema is that of its items. */
  const itemsOf = (of: JsonSchema): JsonSchema => {
    const seen = new Set<JsonSchema>()
    let at = of
    for (let next: JsonSchema | undefined = at; next !== undefined && !seen.has(next);) {
      seen.add((at = next))
      next = isKeywords(at) ? refOf(at) : undefined
    }
    if (!isKeywords(at) || ![at['type'] ?? []].flat().includes('array')) return of
    return isKeywords(at['items']) ? at['items'] : of
  }

  return grow(shapeOf(itemsOf(schema), undefined))
}
