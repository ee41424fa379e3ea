/** One request of a service, captured and not: real requests and responses of Node.js without a socket. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Capture } from 'capture-predictions'
import { asRunning, type RunningCapture } from '../src/capture/running-capture.ts'
import { captureRequest } from '../src/http/capture-request.ts'

export const irisBody = () => ({ sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } })
const socket = new Socket()

export const newRequest = () => {
  const req = new IncomingMessage(socket)
  req.method = 'POST'
  req.url = '/predict'
  Object.assign(req.headers, { 'content-type': 'application/json', 'content-length': '71', host: 'localhost' })
  return { req, res: new ServerResponse(req) }
}

/** The difference of a captured one to this is what capture costs. */
export const uncaptured = (): void => {
  const { res } = newRequest()
  res.setHeader('X-Other', 'none')
  irisBody()
  res.end()
}

/** What captures one request with its reply, as an integration does. */
export const captured = (capture: Capture): (() => void) => {
  const running = asRunning(capture)
  running.start()
  return () => captureOne(running)
}

const captureOne = (capture: RunningCapture): void => {
  const { req, res } = newRequest()
  const parsed = irisBody()
  const exchange = captureRequest(capture, {
    req,
    res,
    url: '/predict',
    always: () => false,
    ignoresCase: false,
    body: () => parsed,
    header: (name) => (name === 'content-type' ? 'application/json' : undefined),
    setHeader: (name, value) => void res.setHeader(name, value),
  })
  if (exchange === undefined || exchange === 'full') throw new Error('not captured')
  exchange.request()
  exchange.prediction.set({ confidence: 0.97 })
  exchange.reply({ prediction: 0 })
  res.end()
}

/** Microseconds of CPU of each of so many runs. */
export const cpuOf = async (run: () => void, runs: number): Promise<number> => {
  const before = process.cpuUsage()
  for (let i = 0; i < runs; i++) {
    run()
    // The loop turns as under load: some requests a turn.
    if (i % 50 === 0) await new Promise(setImmediate)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / runs
}
