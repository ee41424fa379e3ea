/**
 * A service in a process of its own: node reporter.ts OUTBOX code|http
 * With `code` it reports actuals by `capture.actual` and prints each prediction's id when the call has returned; with `http` it prints its
 * port, and takes reports by `receiveActuals`. Its sink is away for good.
 */
import { writeSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createCapture, silentLogger } from 'capture-predictions'
import { receiveActuals } from 'capture-predictions/express'
import { createIds } from '../../../src/records/id.ts'

const [outboxDir = '', way = ''] = process.argv.slice(2)
const sink = { name: 'main', actuals: true as const, write: () => Promise.reject(new Error('away')) }
const capture = createCapture({ sink, outboxDir, logger: silentLogger })

if (way === 'http') {
  const app = express()
  app.post('/actuals', receiveActuals(capture))
  const server = app.listen(0, '127.0.0.1', () => writeSync(1, `${(server.address() as AddressInfo).port}\n`))
} else {
  const nextId = createIds()
  for (;;) {
    const id = nextId()
    capture.actual(id, 2, { source: 'lab' })
    writeSync(1, `${id}\n`)
  }
}
