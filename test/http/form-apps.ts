import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import multipart from '@fastify/multipart'
import { Controller, HttpCode, Module, Post, UseInterceptors, type NestInterceptor, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FileInterceptor as FileInterceptorOnExpress, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { FileInterceptor as FileInterceptorOnFastify } from '@nestjs/platform-fastify/multipart'
import express5 from 'express'
import express4 from 'express4'
import fastify5 from 'fastify'
import multipart8 from 'fastify-multipart8'
import fastify4 from 'fastify4'
import Koa3 from 'koa'
import { koaBody } from 'koa-body'
import Koa2 from 'koa2'
import multer from 'multer'
import type { Capture, Prediction } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import { cleanup } from '../setup/captures.ts'

export interface FormOptions {
  readonly capture: Capture | undefined
  /** Where files are kept that are kept on disk. */
  readonly folder: string
  /** Runs before the reply, with the path of the file where it is on disk. */
  readonly handle?: (path: string | undefined, prediction: Prediction | undefined) => void | Promise<void>
}

/** An app that takes a form with the file `image`. @returns its port */
export type FormApp = (options: FormOptions) => Promise<number>

const serve = async (listener: RequestListener): Promise<number> => {
  const server = createServer(listener)
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const REPLY = { prediction: 1 }

interface StoredFile {
  readonly path?: string
  readonly filepath?: string
}
const pathOf = (file: unknown): string | undefined => (file as StoredFile)?.path ?? (file as StoredFile)?.filepath

export const withMulter =
  (
    express: typeof express5,
    where: 'app' | 'route',
    parser: (create: typeof multer, folder: string) => express5.RequestHandler,
  ): FormApp =>
  ({ capture, folder, handle }) => {
    const parse = parser(multer, folder)
    const app = express().disable('x-powered-by')
    if (where === 'app') app.use(parse)
    if (capture) app.use(forExpress(capture))
    app.post('/predict', ...(where === 'route' ? [parse] : []), async (req, res) => {
      await handle?.(pathOf(req.file ?? (req.files as unknown[] | undefined)?.[0]), req.prediction)
      res.json(REPLY)
    })
    return serve(app)
  }

export const withKoaBody =
  (Koa: typeof Koa3, order: 'parser first' | 'capture first'): FormApp =>
  ({ capture, folder, handle }) => {
    const app = new Koa()
    const parse = koaBody({ multipart: true, formidable: { uploadDir: folder } })
    if (order === 'parser first') app.use(parse)
    if (capture) app.use(forKoa(capture))
    if (order === 'capture first') app.use(parse)
    app.use(async (ctx) => {
      await handle?.(pathOf((ctx.request.files as Record<string, unknown>)['image']), ctx.prediction)
      ctx.body = REPLY
    })
    return serve(app.callback())
  }

type Plugin = typeof multipart
const withFastify =
  (fastify: typeof fastify5, plugin: Plugin, how: true | 'keyValues' | 'saved'): FormApp =>
  async ({ capture, folder, handle }) => {
    const app = fastify()
    cleanup(() => app.close())
    await app.register(plugin, how === 'saved' ? {} : { attachFieldsToBody: how })
    if (capture) await app.register(forFastify, { capture })
    app.post('/predict', async (request) => {
      const files = how === 'saved' ? await request.saveRequestFiles({ tmpdir: folder }) : []
      await handle?.(
        pathOf((Array.isArray(files) ? files : (files as { files: unknown[] }).files)[0]),
        request.prediction,
      )
      return REPLY
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  }

/** As decorators would make them. */
const nestModule = (interceptor: Type<NestInterceptor>): Type<unknown> => {
  class Predictions {
    predict() {
      return REPLY
    }
  }
  const of = [Predictions.prototype, 'predict', Object.getOwnPropertyDescriptor(Predictions.prototype, 'predict')!]
  for (const decorate of [Post('predict'), HttpCode(200), UseInterceptors(interceptor)])
    (decorate as (...args: unknown[]) => void)(...of)
  Controller()(Predictions)
  class App {}
  Module({ controllers: [Predictions] })(App)
  return App
}

const nestOnExpress =
  (isOnDisk: boolean): FormApp =>
  async ({ capture, folder }) => {
    const module = nestModule(FileInterceptorOnExpress('image', isOnDisk ? { dest: folder } : {}))
    const app = await NestFactory.create<NestExpressApplication>(module, { logger: false })
    cleanup(() => app.close())
    app.disable('x-powered-by')
    if (capture) app.use(forExpress(capture))
    await app.listen(0, '127.0.0.1')
    return (app.getHttpServer().address() as AddressInfo).port
  }

const nestOnFastify =
  (isOnDisk: boolean): FormApp =>
  async ({ capture, folder }) => {
    const module = nestModule(FileInterceptorOnFastify('image', isOnDisk ? { dest: folder } : {}))
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false })
    cleanup(() => app.close())
    if (capture) await app.register(forFastify as never, { capture })
    await app.listen(0, '127.0.0.1')
    return (app.getHttpServer().address() as AddressInfo).port
  }

const older = express4 as unknown as typeof express5
const older4 = fastify4 as unknown as typeof fastify5
const plugin8 = multipart8 as unknown as Plugin

/** Every parser; one gives the handler a file's bytes alone, without name and type. */
export const formApps: Record<string, { readonly start: FormApp; readonly isNameless?: boolean }> = {
  'multer in memory, Express 4': { start: withMulter(older, 'route', (multer) => multer().single('image')) },
  'multer in memory, Express 5': { start: withMulter(express5, 'route', (multer) => multer().any()) },
  'multer by fields, Express 5': {
    start: withMulter(express5, 'route', (multer) => multer().fields([{ name: 'image' }])),
  },
  'multer on disk, Express 4': {
    start: withMulter(older, 'route', (multer, dest) => multer({ dest }).any()),
  },
  'multer on disk, Express 5': {
    start: withMulter(express5, 'route', (multer, dest) => multer({ dest }).single('image')),
  },
  'multer on disk before capture, Express 5': {
    start: withMulter(express5, 'app', (multer, dest) => multer({ dest }).any()),
  },
  'koa-body, Koa 2': { start: withKoaBody(Koa2, 'parser first') },
  'koa-body, Koa 3': { start: withKoaBody(Koa3, 'parser first') },
  'koa-body behind capture, Koa 3': { start: withKoaBody(Koa3, 'capture first') },
  '@fastify/multipart, Fastify 4': { start: withFastify(older4, plugin8, true) },
  '@fastify/multipart, Fastify 5': { start: withFastify(fastify5, multipart, true) },
  '@fastify/multipart with keyValues, Fastify 4': {
    start: withFastify(older4, plugin8, 'keyValues'),
    isNameless: true,
  },
  '@fastify/multipart with keyValues, Fastify 5': {
    start: withFastify(fastify5, multipart, 'keyValues'),
    isNameless: true,
  },
  '@fastify/multipart, saved, Fastify 4': { start: withFastify(older4, plugin8, 'saved') },
  '@fastify/multipart, saved, Fastify 5': { start: withFastify(fastify5, multipart, 'saved') },
  "NestJS' FileInterceptor on Express": { start: nestOnExpress(false) },
  "NestJS' FileInterceptor on Express, on disk": { start: nestOnExpress(true) },
  "NestJS' FileInterceptor on Fastify": { start: nestOnFastify(false) },
  "NestJS' FileInterceptor on Fastify, on disk": { start: nestOnFastify(true) },
}
