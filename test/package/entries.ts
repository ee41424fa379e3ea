/** An app that takes every entry point of the package, for the compiler alone. */
export const entriesSource = (isFastifyDefault: boolean): string => `import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import { createCapture, type Capture, type CaptureOptions, type Prediction, type Sink } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import ${isFastifyDefault ? 'forFastify' : '{ capturePredictions as forFastify }'} from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import * as report from 'capture-predictions/report'
import * as elasticsearch from 'capture-predictions/sinks/elasticsearch'
import * as kafka from 'capture-predictions/sinks/kafka'
import * as mysql from 'capture-predictions/sinks/mysql'
import * as postgres from 'capture-predictions/sinks/postgres'
import * as sqlite from 'capture-predictions/sinks/sqlite'

const sink: Sink = { name: 'lines', async write(records) { void records.map(({ json }) => json) } }
const options: CaptureOptions = { sink, route: 'POST /predict' }
const capture: Capture = createCapture(options)
/** Neither more nor less than what a user needs. */
const members: Record<keyof Capture, true> = { settings: true, stats: true, flush: true, close: true, actual: true, actuals: true }
const use = (prediction: Prediction | undefined): void => prediction?.set({ confidence: 0.5 })

express().use(forExpress(capture)).post('/predict', (req, res) => {
  use(req.prediction)
  res.json({ prediction: 1 })
})

new Koa().use(forKoa(capture)).use((ctx) => {
  use(ctx.prediction)
  ctx.body = { prediction: 1 }
})

const app = Fastify()
void app.register(forFastify)
void app.register(forFastify, { capture })
void app.register(forFastify, options)
app.post('/predict', { config: { predictions: true } }, async (request) => {
  use(request.prediction)
  return app.predictions.stats()
})

export { members, elasticsearch, kafka, mysql, postgres, report, sqlite }
`
