import { Type } from '@sinclair/typebox'
import { describe, expect, it } from 'vitest'
import { columnsOf, featureNames, mergeSchemas, outputNames } from '../../src/schema/columns.ts'
import type { JsonSchema, PredictionSchema } from '../../src/schema/schema.ts'

const number = { type: 'number' }
const integer = { type: 'integer' }
const string = { type: 'string' }
const object = (properties: Record<string, unknown>) => ({ type: 'object', properties })

/** Names and types of the columns of features, or of outputs. */
const typesOf = (schema: PredictionSchema | undefined, source: 'features' | 'outputs' = 'features') =>
  Object.fromEntries(
    columnsOf(schema)
      .filter((column) => column.source === source)
      .map(({ name, type }) => [name, type]),
  )

const features = (schema: JsonSchema) => typesOf({ features: schema })
const outputs = (schema: JsonSchema) => typesOf({ outputs: schema }, 'outputs')

/** The type of one feature by its schema. */
const typeOf = (schema: JsonSchema) => features({ type: 'object', properties: { x: schema } })['x']

const mistakesOf = (schema: unknown): string => {
  try {
    columnsOf(schema as PredictionSchema)
    return 'none'
  } catch (error) {
    expect(error).toMatchObject({ code: 'PREDICTIONS_BAD_CONFIGURATION' })
    return (error as Error).message
  }
}

describe('the table', () => {
  it('has the columns of the design in their order', () => {
    const flower = object({ length: number, width: number })
    const columns = columnsOf({
      features: object({ sepal: flower, petal: flower }),
      outputs: object({ prediction: integer, confidence: number }),
    })
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id uuid',
      'timestamp timestamp',
      'sepal_length double',
      'sepal_width double',
      'petal_length double',
      'petal_width double',
      'prediction bigint',
      'confidence double',
      'model text',
      'model_version text',
      'request_id text',
      'instance integer',
      'status smallint',
      'duration_ms double',
      'error text',
      'sample_weight double',
      'tags json',
      'extra json',
    ])
    expect(columns[2]).toEqual({ name: 'sepal_length', type: 'double', source: 'features', path: ['sepal', 'length'] })
    expect(columns.at(-1)).toEqual({ name: 'extra', type: 'json', source: 'record', path: ['extra'] })
  })

  it.each([[undefined], [{}], [{ features: true, outputs: {} }]])('holds JSON without a schema: %j', (schema) => {
    const columns = columnsOf(schema)
    expect(columns.slice(2, 4)).toEqual([
      { name: 'features', type: 'json', source: 'features', path: [] },
      { name: 'outputs', type: 'json', source: 'outputs', path: [] },
    ])
    expect(featureNames(columns)).toEqual([])
  })

  it('names items in the order of the schema', () => {
    const columns = columnsOf({
      features: object({ z: number, a: object({ c: number, b: number }), list: { type: 'array' } }),
      outputs: object({ prediction: integer, confidence: number }),
    })
    expect(featureNames(columns)).toEqual(['z', 'a', 'list'])
    expect(outputNames(columns)).toEqual(['prediction', 'confidence'])
  })
})

describe('types', () => {
  it.each<[JsonSchema, string]>([
    [number, 'double'],
    [integer, 'bigint'],
    [{ type: 'boolean' }, 'boolean'],
    [string, 'text'],
    [{ type: 'string', format: 'date-time' }, 'timestamp'],
    [{ type: 'string', format: 'uuid' }, 'uuid'],
    [{ type: 'string', format: 'email' }, 'text'],
    [{ type: 'string', format: 'constructor' }, 'text'],
    [{ type: 'array', items: number }, 'json'],
    [{ type: 'object' }, 'json'],
    [{ type: 'object', properties: {} }, 'json'],
    [{ type: 'object', additionalProperties: number }, 'json'],
    [{ type: 'null' }, 'json'],
    [true, 'json'],
    [{}, 'json'],
    [{ type: ['number', 'null'] }, 'double'],
    [{ type: ['integer', 'number'] }, 'double'],
    [{ type: ['string', 'number'] }, 'json'],
    [{ type: 'number', nullable: true }, 'double'],
    [{ enum: ['a', 'b', null] }, 'text'],
    [{ enum: [1, 2] }, 'bigint'],
    [{ enum: [1, 2.5] }, 'double'],
    [{ enum: [1, 'a'] }, 'json'],
    [{ type: 'number', enum: [1, 2] }, 'double'],
    [{ const: 'setosa' }, 'text'],
    [{ const: true }, 'boolean'],
    [{ const: null }, 'json'],
    [{ anyOf: [number, { type: 'null' }] }, 'double'],
    [{ oneOf: [integer, number] }, 'double'],
    [{ anyOf: [{ const: 'a' }, { const: 'b' }] }, 'text'],
    [{ anyOf: [{ type: 'string', format: 'uuid' }, string] }, 'text'],
    [{ anyOf: [number, string] }, 'json'],
    [{ anyOf: [number, {}] }, 'json'],
    [{ anyOf: [object({ a: number }), object({ b: number })] }, 'json'],
    [{ type: 'number', anyOf: [{ minimum: 1 }, { maximum: -1 }] }, 'double'],
    [{ allOf: [number, { minimum: 0 }] }, 'double'],
    [{ allOf: [number, integer] }, 'bigint'],
    [{ allOf: [string, { type: 'string', format: 'date-time' }] }, 'timestamp'],
    [{ allOf: [number, string] }, 'json'],
  ])('%j is %s', (schema, type) => {
    expect(typeOf(schema)).toBe(type)
  })

  it('takes TypeBox schemas', () => {
    const schema = Type.Object({
      species: Type.Union([Type.Literal('setosa'), Type.Literal('virginica')]),
      count: Type.Optional(Type.Integer()),
      size: Type.Union([Type.Number(), Type.Null()]),
      notes: Type.Array(Type.String()),
      both: Type.Intersect([Type.Object({ a: Type.Number() }), Type.Object({ b: Type.Boolean() })]),
      tree: Type.Recursive((This) => Type.Object({ value: Type.Number(), children: Type.Array(This), next: This })),
    })
    expect(features(schema)).toEqual({
      species: 'text',
      count: 'bigint',
      size: 'double',
      notes: 'json',
      both_a: 'double',
      both_b: 'boolean',
      tree_value: 'double',
      tree_children: 'json',
      tree_next: 'json',
    })
  })
})

describe('objects', () => {
  it('are flattened, also optional ones, and those of allOf', () => {
    expect(
      features({
        properties: {
          optional: { anyOf: [object({ a: number }), { type: 'null' }] },
          listed: { type: ['object', 'null'], properties: { a: number } },
          merged: {
            allOf: [object({ a: number, deep: object({ b: string }) })],
            properties: { deep: object({ c: string }) },
          },
          open: { type: 'object', additionalProperties: true },
        },
        anyOf: [{ required: ['optional'] }, { required: ['listed'] }],
      }),
    ).toEqual({
      optional_a: 'double',
      listed_a: 'double',
      merged_deep_c: 'text',
      merged_deep_b: 'text',
      merged_a: 'double',
      open: 'json',
    })
  })

  it('of a batch are its items', () => {
    const flower = object({ length: number })
    expect(features({ type: 'array', items: flower })).toEqual({ length: 'double' })
    expect(outputs({ type: 'array', items: object({ prediction: integer }) })).toEqual({ prediction: 'bigint' })
    expect(features({ $ref: '#/definitions/batch', definitions: { batch: { type: 'array', items: flower } } })).toEqual(
      {
        length: 'double',
      },
    )
    expect(features({ anyOf: [flower, { type: 'array', items: flower }] })).toEqual({ length: 'double' })
    expect(features({ type: 'array', items: { type: 'array', items: number } })).toEqual({ features: 'json' })
    expect(features({ type: 'array' })).toEqual({ features: 'json' })
  })

  it('that are none: one column', () => {
    expect(outputs(integer)).toEqual({ prediction: 'bigint' })
    expect(outputs({ type: 'array', items: string })).toEqual({ prediction: 'text' })
    expect(features(number)).toEqual({ f0: 'double' })
    expect(columnsOf({ outputs: integer })[3]?.path).toEqual(['prediction'])
  })

  it('with members that JavaScript has on every object', () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"number"},"constructor":{"type":"string"},"toString":{"type":"integer"}}}',
    ) as object
    expect(columnsOf({ features: schema }).slice(2, 5)).toEqual([
      { name: '__proto__', type: 'double', source: 'features', path: ['__proto__'] },
      { name: 'constructor', type: 'text', source: 'features', path: ['constructor'] },
      { name: 'toString', type: 'bigint', source: 'features', path: ['toString'] },
    ])
  })
})

describe('$ref', () => {
  it('finds pointers, identifiers and anchors in the document', () => {
    const refs = (schema: JsonSchema) => features(schema)
    expect(refs({ properties: { a: { $ref: '#/definitions/n' } }, definitions: { n: number } })).toEqual({
      a: 'double',
    })
    expect(refs({ properties: { a: { $ref: '#/$defs/x~1y%20~0' } }, $defs: { 'x/y ~': number } })).toEqual({
      a: 'double',
    })
    expect(refs({ properties: { a: { $ref: 'n' } }, $defs: { n: { $id: 'n', ...number } } })).toEqual({ a: 'double' })
    expect(refs({ properties: { a: { $ref: 'n#' } }, $defs: { n: { $id: 'n', ...number } } })).toEqual({ a: 'double' })
    expect(refs({ properties: { a: { $ref: '#n' } }, $defs: { n: { $anchor: 'n', ...number } } })).toEqual({
      a: 'double',
    })
    expect(refs({ properties: { a: { $ref: '#n' } }, $defs: { n: { $id: '#n', ...number } } })).toEqual({ a: 'double' })
    expect(
      refs({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        $id: 'https://example.com/flower',
        properties: { a: { $ref: 'parts#/$defs/n' }, b: { $ref: 'https://example.com/parts' } },
        $defs: { parts: { $id: 'parts', type: 'string', $defs: { n: number } } },
      }),
    ).toEqual({ a: 'double', b: 'text' })
  })

  it('takes no data for identifiers', () => {
    const properties = { a: { $ref: 'n' }, b: { default: { $id: 'n', type: 'string' } } }
    expect(features({ properties, $defs: { n: { $id: 'n', ...number } } })).toEqual({ a: 'double', b: 'json' })
    expect(mistakesOf({ features: { properties } })).toMatch(/"n" leads nowhere/)
  })

  it('beside other keywords counts', () => {
    const schema = { properties: { a: { $ref: '#/definitions/o', nullable: true, properties: { y: string } } } }
    expect(features({ ...schema, definitions: { o: object({ x: number }) } })).toEqual({ a_y: 'text', a_x: 'double' })
  })

  it('that is recursive is JSON from where it repeats', () => {
    expect(
      features({
        ...object({ value: number, left: { $ref: '#' }, right: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }),
      }),
    ).toEqual({ value: 'double', left: 'json', right: 'json' })
    const definitions = {
      a: object({ b: { $ref: '#/definitions/b' } }),
      b: object({ a: { $ref: '#/definitions/a' }, x: number }),
    }
    expect(features({ $ref: '#/definitions/a', definitions })).toEqual({ b_a: 'json', b_x: 'double' })
    expect(features({ $ref: '#' })).toEqual({ features: 'json' })
  })

  it('used twice is no recursion', () => {
    const point = object({ x: number })
    expect(
      features({
        properties: { a: { $ref: '#/definitions/p' }, b: { $ref: '#/definitions/p' } },
        definitions: { p: point },
      }),
    ).toEqual({ a_x: 'double', b_x: 'double' })
  })

  it('multiplied past all measure is a mistake, soon', () => {
    const definitions = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => {
        const next = i === 39 ? number : { $ref: `#/definitions/d${i + 1}` }
        return [`d${i}`, object({ a: next, b: next })]
      }),
    )
    expect(mistakesOf({ features: { $ref: '#/definitions/d0', definitions } })).toMatch(
      /\/features: has more than 10000 columns/,
    )
  })
})

describe('mistakes', () => {
  it('are all listed, each with its JSON pointer', () => {
    const message = mistakesOf({
      feature: {},
      features: {
        properties: { a: 5, t: { type: 'flaot' }, 'b/c': { minimum: 'x', $ref: '#/nowhere' }, d: { $schema: 7 } },
        required: 'a',
      },
      outputs: object({ x: { $ref: '#/definitions/x' }, y: { $ref: 'https://example.com/other' } }),
    })
    const [head, ...lines] = message.split('\n')
    expect(head).toBe('The schema has mistakes:')
    expect(lines.sort()).toEqual([
      '  /feature: is unknown: a schema has the members features, outputs and actuals',
      '  /features/properties/a: must be object or boolean, not 5',
      '  /features/properties/b~1c/$ref: "#/nowhere" leads nowhere in this schema',
      '  /features/properties/b~1c/minimum: must be number, not "x"',
      '  /features/properties/d/$schema: must be string, not 7',
      '  /features/properties/t/type: must be one of array, boolean, integer, null, number, object, string or must be array, not "flaot"',
      '  /features/required: must be array, not "a"',
      '  /outputs/properties/x/$ref: "#/definitions/x" leads nowhere in this schema',
      '  /outputs/properties/y/$ref: "https://example.com/other" leads nowhere in this schema',
    ])
  })

  it.each([
    [5, /must be an object/],
    [[], /must be an object/],
    [{ features: 'age' }, /\/features: must be a JSON Schema .* not "age"/],
    [
      { features: { $schema: 'http://json-schema.org/draft-04/schema#' } },
      /\/features\/\$schema: must be draft-07 or 2020-12/,
    ],
    [
      { features: { properties: { a: { $ref: '#/__proto__' } } } },
      /\/features\/properties\/a\/\$ref: .* leads nowhere/,
    ],
    [{ outputs: { type: 'number', enum: 5n } }, /\/outputs\/enum: must be array, not 5/],
  ])('%o', (schema, message) => {
    expect(mistakesOf(schema)).toMatch(message)
  })

  it('are found by the rules of the draft that $schema names', () => {
    const tuple = { properties: { a: { items: [number] } } }
    expect(mistakesOf({ features: tuple })).toBe('none')
    expect(mistakesOf({ features: { ...tuple, $schema: 'https://json-schema.org/draft/2020-12/schema' } })).toMatch(
      /\/features\/properties\/a\/items: must be/,
    )
  })

  it('are no unknown keywords', () => {
    expect(mistakesOf({ features: { ...number, 'x-order': 1, errorMessage: {}, discriminator: {} } })).toBe('none')
  })

  it('are schemas that hold themselves, or are nested by thousands', () => {
    const circular: Record<string, unknown> = object({ a: number })
    circular['properties'] = { self: circular }
    expect(mistakesOf({ features: circular })).toMatch(/\/features: is circular or nested too deep/)
    let deep: object = number
    for (let i = 0; i < 20_000; i++) deep = object({ a: deep })
    expect(mistakesOf({ features: deep })).toMatch(/\/features: is circular or nested too deep/)
  })
})

describe('the schema of the options and a route', () => {
  const route = {
    features: object({ a: string, b: object({ c: number, d: number }) }),
    outputs: object({ prediction: integer }),
  }

  it('are merged, the options first', () => {
    const merged = mergeSchemas({ features: object({ b: object({ d: string, e: string }), z: number }) }, route)
    expect(typesOf(merged)).toEqual({ b_d: 'text', b_e: 'text', b_c: 'double', z: 'double', a: 'text' })
    expect(typesOf(merged, 'outputs')).toEqual({ prediction: 'bigint' })
    expect(typesOf(mergeSchemas({ outputs: string }, route), 'outputs')).toEqual({ prediction: 'text' })
  })

  it('keep their own references', () => {
    const withDefinition = (n: object) => ({
      properties: { [`${Object.values(n)[0]}`]: { $ref: '#/definitions/n' } },
      definitions: { n },
    })
    const merged = mergeSchemas({ features: withDefinition(number) }, { features: withDefinition(string) })
    expect(typesOf(merged)).toEqual({ number: 'double', string: 'text' })
  })

  it('are each alone where there is no other', () => {
    expect(mergeSchemas(undefined, route)).toBe(route)
    expect(mergeSchemas(route, undefined)).toBe(route)
    expect(mergeSchemas(undefined, undefined)).toBeUndefined()
    expect(typesOf(mergeSchemas({}, route))).toEqual(typesOf(route))
  })
})
