import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import closeWithGrace from 'close-with-grace'
import { capturePredictions, receiveActuals } from 'capture-predictions/express'
import { predict, schema, summary, toFlower } from './model.ts'
import { closeSite, dataset, files, latestRows } from './site.ts'
import { hasToken } from './token.ts'

const predictions = capturePredictions({ schema, flushIntervalMs: 200 })
const app = express()
app.use(express.json())
app.use(predictions)

app.post('/predict', (req, res) => {
  const { prediction, confidence } = predict(toFlower(req.body))
  // Stored, although the reply does not carry it.
  req.prediction?.set({ confidence })
  res.json({ prediction })
})

const requireToken: RequestHandler = (req, res, next) => {
  if (hasToken(req.headers.authorization)) next()
  else res.status(401).json({ error: 'who reports actuals needs the token' })
}
app.post('/actuals', requireToken, receiveActuals(predictions))

for (const { path, type, text } of files) app.get(path, (_req, res) => void res.type(type).send(text))
app.get('/flowers', (_req, res) => void res.json(dataset))
app.get('/rows', async (_req, res) => void res.json(await latestRows()))

const replyError: ErrorRequestHandler = (error, _req, res, _next) => {
  const { status = 500, message } = error as { status?: number; message: string }
  res.status(status).json({ error: status < 500 ? message : 'internal error' })
}
app.use(replyError)

const port = Number(process.env['PORT'] ?? 3000)
const server = app.listen(port, () => console.log(`iris on http://localhost:${port} (Express): ${summary}`))

closeWithGrace({ delay: 10_000 }, async () => {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeIdleConnections()
  })
  await predictions.capture.close({ timeout: 8000 })
  await closeSite()
})
