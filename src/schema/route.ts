import { isKeywords, type JsonSchema, type Keywords, type PredictionSchema } from './schema.ts'

/** A Fastify route's schemas: `routeOptions.schema`. */
export interface RouteSchema {
  readonly body?: unknown
  readonly response?: unknown
}

/** Whose presence makes an object a schema, for Fastify 4's short form: `body: { age: { type: 'integer' } }`. */
const schemaKeywords = [
  'type',
  'properties',
  '$ref',
  '$id',
  'allOf',
  'anyOf',
  'oneOf',
  'enum',
  'const',
  'items',
  'content',
]

/** The replies whose schema says what a prediction is, in order. */
const replies = ['200', '201', '2xx', '2XX', 'default']

/** Schemas of other kinds (Zod, Joi, …) are instances of classes: they say nothing here. */
const isPlain = (value: unknown): value is Keywords => {
  if (!isKeywords(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Fastify 5 nests schemas by media type: `{ content: { 'application/json': { schema } } }`. */
const contentSchema = (content: Keywords): unknown => {
  const types = Object.keys(content)
  const type =
    types.find((name) => /^application\/json\b/i.test(name)) ?? types.find((name) => /[/+]json\b|^\*\/\*/i.test(name))
  const media = type === undefined ? undefined : content[type]
  return isPlain(media) ? media['schema'] : undefined
}

const withProperties = (schema: Keywords): JsonSchema =>
  Object.keys(schema).length > 0 && Object.values(schema).every(isPlain) && !schemaKeywords.some((key) => key in schema)
    ? { type: 'object', properties: schema }
    : schema

const schemaOf = (value: unknown): JsonSchema | undefined => {
  if (!isPlain(value)) return undefined
  if (!isPlain(value['content'])) return withProperties(value)
  const schema = contentSchema(value['content'])
  return isPlain(schema) ? schema : undefined
}

/** Gives a schema the app's shared ones (`fastify.addSchema`), for its `$ref`s. */
/** A batch's schema (KServe V1, MLflow) is that of its items: a record is one instance. */
const instanceOf = (schema: JsonSchema | undefined, lists: readonly string[]): JsonSchema | undefined => {
  if (!isKeywords(schema) || !isKeywords(schema['properties'])) return schema
  for (const name of lists) {
    const list = schema['properties'][name]
    if (isKeywords(list) && list['type'] === 'array' && isKeywords(list['items']))
      return { ...schema, ...NO_OBJECT, ...list }
  }
  return schema
}

/** What an object's schema says that its items' does not; its `$defs` stay. */
const NO_OBJECT = { properties: undefined, required: undefined, additionalProperties: undefined }

const withShared = (schema: JsonSchema | undefined, shared: Keywords): JsonSchema | undefined => {
  if (!isKeywords(schema) || Object.keys(shared).length === 0) return schema
  const defs = isKeywords(schema['$defs']) ? schema['$defs'] : {}
  return { ...schema, $defs: { ...shared, ...defs } }
}

/**
 * What a Fastify route says of its predictions: `body` is the features' schema, `response` (200, 201, 2xx, default, the first
 * that there is) the outputs'. A reply without a schema, and schemas that are no JSON Schema, say nothing.
 *
 * @param shared the app's shared schemas by `$id`: `fastify.getSchemas()`
 */
export const schemaFromRoute = (route: RouteSchema | undefined, shared: object = {}): PredictionSchema => {
  const response: Keywords = isPlain(route?.response) ? route.response : {}
  const reply = replies.map((code) => schemaOf(response[code])).find((schema) => schema !== undefined)
  const known = shared as Keywords
  return {
    features: withShared(instanceOf(schemaOf(route?.body), ['instances', 'dataframe_records']), known),
    outputs: withShared(instanceOf(reply, ['predictions']), known),
  }
}
