import Router from '@koa/router'
import express5 from 'express'
import express4 from 'express4'
import fastify5 from 'fastify'
import fastify4 from 'fastify4'
import Koa3 from 'koa'
import koaMethodOverride from 'koa-methodoverride'
import Koa2 from 'koa2'
import methodOverride from 'method-override'
import type { Capture } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import { describe, expect, it } from 'vitest'
import { testCapture } from '../setup/captures.ts'
import { listening, serve } from './raw-frameworks.ts'
import { comparable, rawReply } from './raw.ts'

describe('what the router takes', () => {
  it.each([
    ['Express 4', () => express4() as unknown as ReturnType<typeof express5>],
    ['Express 5', () => express5()],
  ])('is captured in another case in %s, unless the app is sensitive', async (_, create) => {
    for (const sensitive of [false, true]) {
      const { capture, records } = testCapture()
      const app = create().set('case sensitive routing', sensitive).set('env', 'test')
      app.use(forExpress(capture)).post('/predict', (_req, res) => void res.json({ prediction: 1 }))
      await rawReply(await serve(app), '/PREDICT')
      expect((await records()).map(({ outputs }) => outputs)).toEqual(sensitive ? [] : [{ prediction: 1 }])
    }
  })

  const options = { caseSensitive: false, ignoreDuplicateSlashes: true, useSemicolonDelimiter: true }
  const fastifies: [string, (options: object) => ReturnType<typeof fastify5>, object][] = [
    ['Fastify 4', fastify4 as unknown as typeof fastify5, options],
    ['Fastify 5', fastify5, options],
    ['Fastify 5, by routerOptions', fastify5, { routerOptions: options }],
  ]
  it.each(fastifies)(
    'is captured in another case, and with more slashes, where %s is told so',
    async (_, create, given) => {
      for (const isTold of [true, false]) {
        const { capture, records } = testCapture()
        const start = async (captured: Capture | undefined) => {
          const app = create(isTold ? { ...given } : { useSemicolonDelimiter: false })
          if (captured) await app.register(forFastify, { capture: captured })
          app.post('/predict', async () => ({ prediction: 1 }))
          return listening(app)
        }
        const [bare, port] = [await start(undefined), await start(capture)]
        const taken: string[] = []
        for (const path of ['/PREDICT', '//predict?x=//', '/predict;x=1', '/predict']) {
          const reply = await rawReply(port, path)
          expect(comparable(reply)).toBe(comparable(await rawReply(bare, path)))
          if (reply.includes('{"prediction":1}')) taken.push(path)
        }
        expect(taken).toHaveLength(isTold ? 4 : 1)
        expect(await records()).toHaveLength(taken.length)
      }
    },
  )

  it.each<[string, (capture: Capture | undefined) => Promise<number>]>([
    ['Express 4', (capture) => overridden(express4 as unknown as typeof express5, capture)],
    ['Express 5', (capture) => overridden(express5, capture)],
    ['Koa', overriddenKoa],
  ])("is captured by the method that the handler's route has, where one stands for another: %s", async (_, start) => {
    const { capture, records } = testCapture({ route: 'PUT /predict' })
    const [bare, port] = [await start(undefined), await start(capture)]
    for (const headers of ['x-http-method-override: PUT\r\n', '']) {
      const reply = await rawReply(port, '/predict', headers)
      expect(comparable(reply)).toBe(comparable(await rawReply(bare, '/predict', headers)))
    }
    expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 'PUT' }])
  })
})

it.each([
  ['Koa 2', Koa2],
  ['Koa 3', Koa3],
])('a route of @koa/router is captured in another case: %s', async (_, Koa) => {
  const { capture, records } = testCapture()
  const start = (captured: boolean) => {
    const router = new Router().post('/predict', (ctx) => void (ctx.body = { prediction: 1 }))
    const app = new Koa()
    if (captured) app.use(forKoa(capture))
    return serve(app.use(router.routes()).callback())
  }
  const [bare, port] = [await start(false), await start(true)]
  expect(comparable(await rawReply(port, '/PREDICT'))).toBe(comparable(await rawReply(bare, '/PREDICT')))
  expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 1 }])
})

const overridden = (express: typeof express5, capture: Capture | undefined): Promise<number> => {
  const app = express().disable('x-powered-by').use(methodOverride('X-HTTP-Method-Override'))
  if (capture) app.use(forExpress(capture))
  app.all('/predict', (req, res) => void res.json({ prediction: req.method }))
  return serve(app)
}

const overriddenKoa = (capture: Capture | undefined): Promise<number> => {
  const app = new Koa3().use(koaMethodOverride())
  if (capture) app.use(forKoa(capture))
  app.use((ctx) => void (ctx.body = { prediction: ctx.method }))
  return serve(app.callback())
}
