'use strict'
/**
 * A service whose routes are wrapped by a tracer that was loaded first, as in production: node traced.cjs TRACER FRAMEWORK OUTBOX
 * Prints one line of JSON: what the client got, byte for byte, with and without capture, and what was captured.
 */
const [, , tracer, framework, outboxDir] = process.argv

const instrument = {
  opentelemetry() {
    const { registerInstrumentations } = require('@opentelemetry/instrumentation')
    const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base')
    const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express')
    const { KoaInstrumentation } = require('@opentelemetry/instrumentation-koa')
    registerInstrumentations({
      tracerProvider: new BasicTracerProvider(),
      instrumentations: [new ExpressInstrumentation(), new KoaInstrumentation()],
    })
  },
  datadog() {
    require('dd-trace').init({
      startupLogs: false,
      telemetry: { enabled: false },
      remoteConfig: { enabled: false },
      url: 'http://127.0.0.1:9',
    })
  },
  none() {},
}
instrument[tracer]()

const { createServer } = require('node:http')
const { connect } = require('node:net')
const { createCapture } = require('capture-predictions')
const records = []
const said = []
const note = (message) => said.push(message)
const capture = createCapture({
  sink: { name: 'keeping', write: async (batch) => void records.push(...batch) },
  outboxDir,
  model: 'iris',
  logger: { info() {}, warn: note, error: note },
})

/** Without a tracer the wrapping is done by hand, as people do it. */
const byHand = (middleware) => (tracer === 'none' ? (...args) => middleware(...args) : middleware)

/** Mounts the middlewares that are given: none without capture. */
const given = (middleware) => (middleware === undefined ? [] : [byHand(middleware)])

const start = {
  express(capturePredictions, express = require('express')) {
    const app = express()
    app.use(express.json())
    const router = express.Router()
    router.post('/score', ...given(capturePredictions), (req, res) => res.json({ prediction: 1 }))
    // A route that lets requests pass leaves its name on them: what comes after it is on no route.
    app.all(/.*/, (req, res, next) => next())
    for (const middleware of given(capturePredictions)) app.use(middleware)
    app.post('/other', (req, res) => res.json({ prediction: 2 }))
    app.post('/predict', (req, res) => res.json({ prediction: 3 }))
    app.use('/v1', router)
    return app
  },
  express4: (capturePredictions) => start.express(capturePredictions, require('express4')),
  koa(capturePredictions) {
    const Koa = require('koa')
    const { Router } = require('@koa/router')
    const { bodyParser } = require('@koa/bodyparser')
    const app = new Koa()
    const router = new Router()
    app.use(bodyParser())
    router.post('/v1/score', ...given(capturePredictions), (ctx) => void (ctx.body = { prediction: 1 }))
    router.post('/other', (ctx) => void (ctx.body = { prediction: 2 }))
    router.post('/predict', (ctx) => void (ctx.body = { prediction: 3 }))
    app.use(router.routes())
    return app.callback()
  },
}

/** All bytes of a reply, but for its date. */
const rawReply = (port, path) =>
  new Promise((resolve, reject) => {
    let reply = ''
    const socket = connect(port, '127.0.0.1')
    socket.setEncoding('latin1').on('data', (text) => (reply += text))
    socket.on('error', reject).on('close', () => resolve(reply.replace(/^date: .*\r\n/im, '')))
    const body = '{"n":1}'
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  })

const main = async () => {
  const { capturePredictions } = require(`capture-predictions/${framework === 'koa' ? 'koa' : 'express'}`)
  const listen = async (middleware) => {
    const server = createServer(start[framework](middleware))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server.address().port
  }
  const [bare, captured] = [await listen(undefined), await listen(capturePredictions(capture))]
  const replies = []
  for (const path of ['/other', '/v1/score', '/predict'])
    replies.push({ path, bare: await rawReply(bare, path), captured: await rawReply(captured, path) })
  await capture.close()
  const seen = records.map(({ features, outputs }) => ({ features, outputs }))
  process.stdout.write(`${JSON.stringify({ replies, seen, said })}\n`, () => process.exit())
}
main()
