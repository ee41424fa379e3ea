import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../src/schema/columns.ts'
import { schemaFromRoute, type RouteSchema } from '../../src/schema/route.ts'

const number = { type: 'number' }
const object = (properties: Record<string, unknown>) => ({ type: 'object', properties })
const body = object({ age: number })
const reply = object({ prediction: number })

const namesOf = (route: RouteSchema | undefined, shared?: object) =>
  columnsOf(schemaFromRoute(route, shared))
    .filter(({ source }) => source !== 'record')
    .map(({ name }) => name)

describe('the schema of a Fastify route', () => {
  it('is that of its body and its reply', () => {
    expect(schemaFromRoute({ body, response: { 200: reply } })).toEqual({ features: body, outputs: reply })
  })

  it.each([[undefined], [{}], [{ response: {} }], [{ body: null, response: { 404: reply } }]])(
    'says nothing: %j',
    (route) => {
      expect(namesOf(route)).toEqual(['features', 'outputs'])
    },
  )

  it("is that of a batch's items", () => {
    const list = (items: object) => ({ type: 'array', items })
    expect(
      namesOf({
        body: {
          ...object({ instances: list(object({ age: number, size: { $ref: '#/$defs/S' } })) }),
          $defs: { S: number },
        },
        response: { 200: object({ predictions: list(object({ label: { type: 'string' } })) }) },
      }),
    ).toEqual(['age', 'size', 'label'])
  })

  it('takes the first reply of 200, 201, 2xx, default', () => {
    const other = object({ other: number })
    const of = (response: object) => schemaFromRoute({ response }).outputs
    expect(of({ default: other, '2xx': other, 201: other, 200: reply })).toBe(reply)
    expect(of({ default: other, '2XX': other, 201: reply, 500: other })).toBe(reply)
    expect(of({ default: other, '2xx': reply })).toBe(reply)
    expect(of({ default: other, '2XX': reply })).toBe(reply)
    expect(of({ default: reply, 400: other })).toBe(reply)
  })

  it('is found below content', () => {
    const content = (schema: object) => ({ content: { 'text/csv': { schema: {} }, 'application/json': { schema } } })
    const route = { body: content(body), response: { 200: { description: 'OK', ...content(reply) } } }
    expect(schemaFromRoute(route)).toEqual({ features: body, outputs: reply })
    expect(namesOf({ body: { content: { 'application/vnd.x+json': { schema: body } } } })).toEqual(['age', 'outputs'])
    expect(namesOf({ body: { content: { '*/*': { schema: body } } } })).toEqual(['age', 'outputs'])
    expect(namesOf({ body: { content: { 'text/csv': { schema: body } } } })).toEqual(['features', 'outputs'])
  })

  it('may have the short form of Fastify 4', () => {
    expect(namesOf({ body: { age: number, sex: { type: 'string' } } })).toEqual(['age', 'sex', 'outputs'])
  })

  it('that is no JSON Schema says nothing', () => {
    class ZodObject {
      readonly type = 'object'
      readonly properties = { age: number }
    }
    expect(namesOf({ body: new ZodObject(), response: { 200: 'text' } })).toEqual(['features', 'outputs'])
  })

  it('finds the shared schemas of the app', async () => {
    const app = Fastify()
    app.addSchema({
      $id: 'flower',
      ...object({ sepal: number, petal: { $ref: '#/$defs/petal' } }),
      $defs: { petal: number },
    })
    let names: string[] = []
    app.addHook('onRoute', ({ schema }) => {
      names = namesOf(schema, app.getSchemas())
    })
    app.post('/predict', { schema: { body: { $ref: 'flower#' }, response: { 200: reply } } }, () => ({ prediction: 1 }))
    await app.ready()
    expect(names).toEqual(['sepal', 'petal', 'prediction'])
    await app.close()
  })
})
