import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { encode } from '../records/json.ts'

/** A JSON Schema: draft-07 (the default) or 2020-12, as its `$schema` says. TypeBox schemas are JSON Schemas. */
export type JsonSchema = object | boolean

/**
 * What a model takes and gives, for one instance. It decides the table's columns.
 *
 * @example
 * const schema: PredictionSchema = {
 *   features: { type: 'object', properties: { age: { type: 'integer' }, income: { type: 'number' } } },
 *   outputs: { type: 'object', properties: { prediction: { type: 'string' }, confidence: { type: 'number' } } },
 * }
 */
export interface PredictionSchema {
  /** Schema of one instance's features. Default: none, and the JSON column `features`. */
  readonly features?: JsonSchema | undefined
  /** Schema of one instance's outputs. Default: none, and the JSON column `outputs`. */
  readonly outputs?: JsonSchema | undefined
  /**
   * Schema of one instance's actuals: the labels that are reported later. Default: `actual`, of the type of the output
   * `prediction`; JSON where there is none.
   */
  readonly actuals?: JsonSchema | undefined
}

/** A schema's keywords, by name. */
export type Keywords = Readonly<Record<string, unknown>>

export const isKeywords = (schema: unknown): schema is Keywords =>
  typeof schema === 'object' && schema !== null && !Array.isArray(schema)

/** One mistake in a schema: where, as a JSON pointer, and what. */
export interface Mistake {
  readonly pointer: string
  readonly message: string
}

/** A step of a JSON pointer (RFC 6901). */
export const pointerStep = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

// Strict mode would refuse the keywords of Fastify's and TypeBox's own; formats say nothing about a schema's own form.
const options = { allErrors: true, strict: false, validateFormats: false, logger: false, verbose: true } as const

/** Meta-schemas are compiled at the first schema, and once: the schemas of users never become code. */
const metaSchema = <T>(make: () => T): (() => T) => {
  let made: T | undefined
  return () => (made ??= make())
}

const draft07 = metaSchema(() => new Ajv(options).getSchema('http://json-schema.org/draft-07/schema'))
const draft2020 = metaSchema(() => new Ajv2020(options).getSchema('https://json-schema.org/draft/2020-12/schema'))

const drafts: readonly [RegExp, () => ValidateFunction | undefined][] = [
  [/^https?:\/\/json-schema\.org\/draft-07\/schema#?$/, draft07],
  [/^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, draft2020],
]

const shownSchema = (value: unknown): string => {
  const text = encode(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const mistakeOf = ({ keyword, message, params }: ErrorObject): string => {
  const { allowedValues, type } = params as { allowedValues?: unknown[]; type?: string | string[] }
  if (keyword === 'enum' && allowedValues) return `must be one of ${allowedValues.join(', ')}`
  if (keyword === 'type' && type) return `must be ${[type].flat().join(' or ')}`
  return message ?? keyword
}

/** ajv's errors, one mistake for each place: the branches of an `anyOf` say together what is allowed there. */
const mistakesOf = (errors: readonly ErrorObject[], pointer: string): Mistake[] => {
  const places = new Map<string, { value: unknown; messages: Set<string> }>()
  for (const error of errors) {
    if (error.keyword === 'anyOf') continue
    const place = places.get(error.instancePath) ?? { value: error.data, messages: new Set() }
    places.set(error.instancePath, place)
    place.messages.add(mistakeOf(error))
  }
  return [...places].map(([path, { value, messages }]) => ({
    pointer: pointer + path,
    message: `${[...messages].join(' or ')}, not ${shownSchema(value)}`,
  }))
}

/**
 * What is wrong with a schema by the rules of its own draft; `pointer` is where it stands.
 * @throws RangeError where a schema holds itself, or is nested by thousands
 */
export const checkSchema = (schema: unknown, pointer: string): Mistake[] => {
  if (typeof schema === 'boolean') return []
  if (!isKeywords(schema))
    return [{ pointer, message: `must be a JSON Schema (an object or a boolean), not ${shownSchema(schema)}` }]
  const uri = schema['$schema'] ?? 'http://json-schema.org/draft-07/schema#'
  const validate = drafts.find(([pattern]) => typeof uri === 'string' && pattern.test(uri))?.[1]()
  if (!validate)
    return [{ pointer: `${pointer}/$schema`, message: `must be draft-07 or 2020-12, not ${shownSchema(uri)}` }]
  return validate(schema) ? [] : mistakesOf(validate.errors ?? [], pointer)
}
