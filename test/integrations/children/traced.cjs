'use strict'
/**
 * A service whose routes are wrapped by a tracer that was loaded first, as in production: node traced.cjs TRACER FRAMEWORK OUTBOX
 * Prints one line of JSON: what the client got, and what was captured.
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

const start = {
  express(capturePredictions, express = require('express')) {
    const app = express()
    app.use(express.json())
    const router = express.Router()
    router.post('/score', byHand(capturePredictions), (req, res) => res.json({ prediction: 1 }))
    // A route that lets requests pass leaves its name on them: what comes after it is on no route.
    app.all(/.*/, (req, res, next) => next())
    app.use(byHand(capturePredictions))
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
    router.post('/v1/score', byHand(capturePredictions), (ctx) => void (ctx.body = { prediction: 1 }))
    router.post('/other', (ctx) => void (ctx.body = { prediction: 2 }))
    router.post('/predict', (ctx) => void (ctx.body = { prediction: 3 }))
    app.use(router.routes())
    return app.callback()
  },
}

const main = async () => {
  const { capturePredictions } = require(`capture-predictions/${framework === 'koa' ? 'koa' : 'express'}`)
  const server = require('node:http').createServer(start[framework](capturePredictions(capture)))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const replies = []
  for (const path of ['/other', '/v1/score', '/predict']) {
    const reply = await fetch(`http://127.0.0.1:${server.address().port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"n":1}',
    })
    replies.push({ path, body: await reply.json(), isCaptured: reply.headers.has('x-prediction-id') })
  }
  await capture.close()
  server.close()
  const seen = records.map(({ features, outputs }) => ({ features, outputs }))
  process.stdout.write(`${JSON.stringify({ replies, seen, said })}\n`, () => process.exit())
}
main()
