import type { AddressInfo } from 'node:net'
import { createHash } from 'node:crypto'
import multipart from '@fastify/multipart'
import express from 'express'
import fastify from 'fastify'
import Koa from 'koa'
import { koaBody } from 'koa-body'
import multer from 'multer'
import type { Capture } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import { expect, it } from 'vitest'
import { cleanup, testCapture } from '../setup/captures.ts'

const IMAGE = Buffer.from([137, 80, 78, 71, 1, 2, 3])
const file = { name: 'leaf.png', type: 'image/png', size: IMAGE.length }
const sha256 = createHash('sha256').update(IMAGE).digest('hex')

const form = (): FormData => {
  const data = new FormData()
  data.set('sepal_length', '5.1')
  data.append('label', 'a')
  data.append('label', 'b')
  data.set('image', new Blob([IMAGE], { type: 'image/png' }), 'leaf.png')
  return data
}

type Start = (capture: Capture) => Promise<number>

const apps: Record<string, { start: Start; digest: boolean }> = {
  '@fastify/multipart': {
    digest: true,
    async start(capture) {
      const app = fastify()
      cleanup(() => app.close())
      await app.register(multipart, { attachFieldsToBody: true })
      await app.register(forFastify, { capture })
      app.post('/predict', async () => ({ prediction: 1 }))
      await app.listen({ port: 0, host: '127.0.0.1' })
      return (app.server.address() as AddressInfo).port
    },
  },
  'multer, on the route': {
    digest: true,
    async start(capture) {
      const app = express().use(forExpress(capture))
      app.post('/predict', multer().any(), (_req, res) => void res.json({ prediction: 1 }))
      const server = app.listen(0, '127.0.0.1')
      cleanup(() => server.close())
      await new Promise((resolve) => server.once('listening', resolve))
      return (server.address() as AddressInfo).port
    },
  },
  'koa-body': {
    digest: false,
    async start(capture) {
      const app = new Koa().use(koaBody({ multipart: true })).use(forKoa(capture))
      app.use((ctx) => void (ctx.body = { prediction: 1 }))
      const server = app.listen(0, '127.0.0.1')
      cleanup(() => server.close())
      await new Promise((resolve) => server.once('listening', resolve))
      return (server.address() as AddressInfo).port
    },
  },
}

it.each(Object.keys(apps))('a form with a file gives the fields, and what the file is: %s', async (name) => {
  const { capture, records } = testCapture()
  const { start, digest } = apps[name]!
  const port = await start(capture)
  const reply = await fetch(`http://127.0.0.1:${port}/predict`, { method: 'POST', body: form() })
  expect(await reply.json()).toEqual({ prediction: 1 })
  const [record, ...more] = await records()
  expect(more).toEqual([])
  expect(record).toMatchObject({
    features: { sepal_length: '5.1', label: ['a', 'b'], image: digest ? { ...file, sha256 } : file },
    outputs: { prediction: 1 },
    extra: {},
  })
})
