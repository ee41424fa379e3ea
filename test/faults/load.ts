import { connect, type Socket } from 'node:net'
import type { Reports } from './reports.ts'
import { until } from './until.ts'

export interface LoadOptions {
  readonly port: number
  /** Default: 16. */
  readonly connections?: number
  /** Requests a second over all connections. Default: as many as go. */
  readonly rate?: number
  /** What clients report between their requests. Default: nothing. */
  readonly reports?: Reports
}

/** What clients have seen of their predictions so far. */
export interface Load {
  /** The number that each request carried, by the `X-Prediction-Id` of its complete 200 reply. */
  readonly answered: Map<string, number>
  /** Other complete replies, by status. */
  readonly refused: Map<number, number>
  /** Requests whose connection ended before their reply was complete. */
  readonly lost: () => number
  /** Milliseconds from when a request was due to its reply's last byte. */
  readonly latencies: number[]
  /** Resolves when so many requests have been answered with 200, since the call. */
  more(count: number): Promise<void>
  /** Sends no more; resolves when all that were sent have their reply, or have lost their connection, after 10 s at the latest. */
  stop(): Promise<void>
}

/** A cluster's primary hands a connection to a worker that may have died meanwhile: nobody will ever answer on it. */
const PATIENCE_MS = 10_000

/** Requests are numbered over all loads of a process. */
let lastNumber = 0

interface Reply {
  readonly status: number
  readonly id: string
  readonly body: string
  readonly bytes: number
}

/** A request, and what is done with its reply, or without one. */
interface Request {
  readonly text: string
  answered(reply: Reply): void
  lost(): void
}

const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`

/** The first reply in `text`, or undefined where it is not complete. */
const replyIn = (text: string): Reply | undefined => {
  const head = text.indexOf('\r\n\r\n')
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1])
  const bytes = head + 4 + length
  if (head < 0 || !(text.length >= bytes)) return undefined
  const id = /\r\nx-prediction-id: (\S+)/i.exec(text)?.[1] ?? ''
  return { status: Number(text.slice(9, 12)), id, body: text.slice(head + 4, bytes), bytes }
}

/**
 * Sends numbered requests, one in flight a connection, and keeps what was answered. With a rate they are sent when they are due, and
 * latency counts from then: a slow server can't slow its own test. A connection that ends is made again, until nobody listens.
 */
export const startLoad = ({ port, connections = 16, rate, reports }: LoadOptions): Load => {
  const answered = new Map<string, number>()
  const refused = new Map<number, number>()
  const latencies: number[] = []
  const sockets = new Set<Socket>()
  const idle: ((due: number) => void)[] = []
  const due: number[] = []
  let inFlight = 0
  let lost = 0
  let stopped = false

  const refuse = (status: number) => refused.set(status, (refused.get(status) ?? 0) + 1)

  const prediction = (at: number): Request => {
    const number = ++lastNumber
    return {
      text: post('/predict', `{"n":${number},"sepal_length":5.1}`),
      answered({ status, id }) {
        latencies.push(performance.now() - at)
        if (status !== 200) return void refuse(status)
        answered.set(id, number)
        reports?.predicted(id)
      },
      lost: () => void lost++,
    }
  }

  /** What is reported next; undefined: nothing as yet. */
  const report = (): Request | undefined => {
    const reported = reports?.next()
    return (
      reported && {
        text: post('/actuals', reported.body),
        answered({ status, body }) {
          if (status === 202) return reported.given(body)
          reported.lost()
          refuse(status)
        },
        lost: reported.lost,
      }
    )
  }

  const open = () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    sockets.add(socket)
    let sent: Request | undefined
    let text = ''
    const send = (request: Request) => {
      sent = request
      inFlight++
      socket.write(request.text)
    }
    const predict = (at: number) => {
      if (!socket.destroyed) send(prediction(at))
    }
    const next = () => {
      if (stopped || socket.destroyed) return
      const reported = report()
      if (reported !== undefined) return send(reported)
      if (rate === undefined) return predict(performance.now())
      const waiting = due.shift()
      if (waiting === undefined) idle.push(predict)
      else predict(waiting)
    }
    const end = () => {
      if (!sockets.delete(socket)) return
      if (sent !== undefined) {
        inFlight--
        sent.lost()
      }
      const index = idle.indexOf(predict)
      if (index >= 0) idle.splice(index, 1)
    }
    socket.setEncoding('latin1')
    socket.once('connect', () => {
      socket.once('close', () => {
        end()
        if (!stopped) open()
      })
      next()
    })
    socket.on('error', end)
    socket.on('data', (data: string) => {
      text += data
      const reply = replyIn(text)
      if (reply === undefined) return
      text = text.slice(reply.bytes)
      sent?.answered(reply)
      sent = undefined
      inFlight--
      next()
    })
  }
  for (let i = 0; i < connections; i++) open()

  const startedAt = performance.now()
  let asked = 0
  const pace = (perSecond: number) => {
    const target = Math.floor(((performance.now() - startedAt) / 1000) * perSecond)
    for (; asked < target; asked++) {
      const at = startedAt + (asked / perSecond) * 1000
      const send = idle.pop()
      if (send) send(at)
      else due.push(at)
    }
  }
  const pacer = rate === undefined ? undefined : setInterval(pace, 1, rate)

  return {
    answered,
    refused,
    lost: () => lost,
    latencies,
    async more(count) {
      const goal = answered.size + count
      await until(`${count} more replies`, () => answered.size >= goal, 60_000 + count * 10)
    },
    async stop() {
      stopped = true
      clearInterval(pacer)
      const last = performance.now() + PATIENCE_MS
      await until('the last replies', () => inFlight === 0 || performance.now() > last)
      for (const socket of sockets) socket.destroy()
      await until('the end of connections', () => inFlight === 0)
    },
  }
}

/** The value below which a share of `values` lies. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
