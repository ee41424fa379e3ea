import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parse } from 'node:querystring'
import { text } from 'node:stream/consumers'
import multipart from '@fastify/multipart'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import { koaBody } from 'koa-body'
import multer from 'multer'
import type { Capture } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'

/** What a model server replies: its text, or its parts as they are streamed, and their type. */
export interface Replied {
  readonly type: string
  readonly parts: readonly string[]
}

export interface PeoplesApp {
  readonly name: string
  /** An app as people write it, with the parsers that they use; it replies with what it is given. */
  start(capture: Capture, reply: () => Replied): Promise<{ url: string; close(): Promise<unknown> }>
}

const LINES = ['application/jsonlines', 'application/jsonl', 'application/x-ndjson', 'text/plain', 'text/csv']

const listen = async (server: Server) => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/predict`, close }
}

export const apps: readonly PeoplesApp[] = [
  {
    name: 'Express',
    async start(capture, reply) {
      const app = express()
      app.use(express.json(), express.urlencoded({ extended: true }), express.text({ type: LINES }), multer().none())
      app.use(forExpress(capture))
      app.post('/predict', (_req, res) => {
        const { type, parts } = reply()
        res.setHeader('content-type', type)
        for (const part of parts) res.write(part)
        res.end()
      })
      return listen(createServer(app))
    },
  },
  {
    name: 'Koa',
    async start(capture, reply) {
      const app = new Koa()
      app.use(koaBody({ multipart: true }))
      // koa-body has no option for texts of other types.
      app.use(async (ctx, next) => {
        if (ctx.is(LINES) && ctx.request.body === undefined) ctx.request.body = await text(ctx.req)
        await next()
      })
      app.use(forKoa(capture))
      app.use((ctx) => {
        const { type, parts } = reply()
        ctx.body = parts.join('')
        ctx.type = type
      })
      return listen(createServer(app.callback()))
    },
  },
  {
    name: 'Fastify',
    async start(capture, reply) {
      const app = Fastify({ forceCloseConnections: true })
      await app.register(multipart, { attachFieldsToBody: 'keyValues' })
      await app.register(forFastify, { capture })
      app.addContentTypeParser(LINES, { parseAs: 'string' }, (_request, body, done) => done(null, body))
      app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
        done(null, parse(body as string)),
      )
      app.post('/predict', async (_request, response) => {
        const { type, parts } = reply()
        return response.header('content-type', type).send(parts.join(''))
      })
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/predict`, close: () => app.close() }
    },
  },
]
