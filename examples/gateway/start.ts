/**
 * A gateway in front of a model server: every prediction that passes is a row, whichever protocol it is in.
 *
 *     node examples/gateway/model-server.ts                                # or your own KServe, Triton, TensorFlow Serving, …
 *     MODEL_URL=http://localhost:8080 node examples/gateway/start.ts
 *     curl localhost:3000/v1/models/sum:predict -d '{"instances": [[1, 2], [3, 4]]}'
 *     sqlite3 predictions.db 'SELECT instance, features, outputs FROM predictions'
 */
import type { IncomingMessage } from 'node:http'
import express, { type Request } from 'express'
import closeWithGrace from 'close-with-grace'
import { capturePredictions } from 'capture-predictions/express'
import { proxyTo } from './proxy.ts'

const predictions = capturePredictions({
  // KServe V1 and TensorFlow Serving (`:predict` is part of the name), Open Inference V2, Triton's generate extension.
  route: ['POST /v1/models/*', 'POST /v2/models/*', 'POST /invocations'],
})

/** What the prediction is in a stream of events, only you know: here it is the data of the last one. */
const keepLastEvent = (reply: IncomingMessage, req: Request): void => {
  if (!reply.headers['content-type']?.startsWith('text/event-stream')) return
  let tail = ''
  reply.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString('latin1')).slice(-4096)))
  reply.on('end', () => {
    const events = Buffer.from(tail, 'latin1').toString().split('data: ')
    req.prediction?.set({ last_event: events.at(-1)?.trim() })
  })
}

const app = express()
app.disable('x-powered-by')
// No body parser: bodies are watched as they pass, up to PREDICTIONS_MAX_BODY_BYTES.
app.use(predictions)
app.use(proxyTo(new URL(process.env['MODEL_URL'] ?? 'http://localhost:8080'), keepLastEvent))

const port = Number(process.env['PORT'] ?? 3000)
const server = app.listen(port, () => console.log(`gateway on http://localhost:${port}`))

closeWithGrace({ delay: 10_000 }, async () => {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeIdleConnections()
  })
  await predictions.capture.close({ timeout: 8000 })
})
