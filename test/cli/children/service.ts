import type { AddressInfo } from 'node:net'
import express from 'express'
import { capturePredictions } from 'capture-predictions/express'

/** A service in a process of its own, configured by its environment alone: prints its port, and runs until it is killed. */
const app = express()
app.use(express.json())
app.use(capturePredictions())
app.post('/predict', (req, res) => {
  res.json({ prediction: (req.body as { n: number }).n })
})
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
