/**
 * A service whose handler ends in its own way right after its third reply, which waits as those before came close: node children/ending.ts OUTBOX ENDING
 *   ENDING: kill (by SIGKILL) | exit | throw | destroy (the connection)
 * Tells its port.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createCapture, silentLogger } from 'capture-predictions'
import { capturePredictions } from 'capture-predictions/express'

const [, , outboxDir = '', ending = ''] = process.argv

const endings: Record<string, (res: ServerResponse) => void> = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  exit: () => process.exit(0),
  throw: () => process.nextTick(() => JSON.parse('no JSON: nobody catches it')),
  destroy: (res) => void res.socket!.destroy(),
}

// What a sink that is away would leave in the outbox.
const sink = { name: 'away', write: () => Promise.reject(new Error('away')) }
const app = express()
app.use(express.json())
app.use(capturePredictions(createCapture({ sink, outboxDir, logger: silentLogger })))
let replies = 0
app.post('/predict', (_req, res) => {
  res.json({ prediction: 1 })
  if (++replies === 3) endings[ending]!(res)
})
// The clock stands, however slow the machine: one reply comes close to the other.
performance.now = () => 0
const server = createServer(app).listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
