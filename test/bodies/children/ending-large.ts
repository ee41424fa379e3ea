/**
 * A service whose handler ends the process right after its reply of so many predictions: node children/ending-large.ts OUTBOX ENDING COUNT
 *   ENDING: exit | throw | kill
 * Tells its port.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createCapture, silentLogger } from 'capture-predictions'
import { capturePredictions } from 'capture-predictions/express'

const [, , outboxDir = '', ending = '', count = '0'] = process.argv

// What a sink that is away would leave in the outbox.
const sink = { name: 'away', write: () => Promise.reject(new Error('away')) }
const app = express()
app.use(express.json())
app.use(capturePredictions(createCapture({ sink, outboxDir, logger: silentLogger })))
app.post('/predict', (_req, res) => {
  res.json({ predictions: Array.from({ length: Number(count) }, (_, i) => i) })
  if (ending === 'exit') process.exit(0)
  if (ending === 'kill') process.kill(process.pid, 'SIGKILL')
  process.nextTick(() => JSON.parse('no JSON: nobody catches it'))
})
const server = createServer(app).listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
