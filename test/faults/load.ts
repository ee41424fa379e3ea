import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

export interface LoadOptions {
  readonly port: number
  /** Default: 16. */
  readonly connections?: number
  /** Requests a second over all connections. Default: as many as go. */
  readonly rate?: number
}

/** What a client has seen so far. */
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

const requestOf = (n: number): string => {
  const body = `{"n":${n},"sepal_length":5.1}`
  return `POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

interface Reply {
  readonly status: number
  readonly id: string
  readonly bytes: number
}

/** The first reply in `text`, or undefined where it is not complete. */
const replyIn = (text: string): Reply | undefined => {
  const head = text.indexOf('\r\n\r\n')
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1])
  if (head < 0 || !(text.length >= head + 4 + length)) return undefined
  const id = /\r\nx-prediction-id: (\S+)/i.exec(text)?.[1] ?? ''
  return { status: Number(text.slice(9, 12)), id, bytes: head + 4 + length }
}

/**
 * Sends numbered requests, one in flight a connection, and keeps what was answered. With a rate they are sent when they are due, and
 * latency counts from then: a slow server can't slow its own test. A connection that ends is made again, until nobody listens.
 */
export const startLoad = ({ port, connections = 16, rate }: LoadOptions): Load => {
  const answered = new Map<string, number>()
  const refused = new Map<number, number>()
  const latencies: number[] = []
  const sockets = new Set<Socket>()
  const idle: ((due: number) => void)[] = []
  const due: number[] = []
  let inFlight = 0
  let lost = 0
  let stopped = false

  const open = () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    sockets.add(socket)
    let number = 0
    let sentAt = 0
    let text = ''
    const send = (at: number) => {
      if (socket.destroyed) return
      number = ++lastNumber
      sentAt = at
      inFlight++
      socket.write(requestOf(number))
    }
    const next = () => {
      if (stopped) return
      if (rate === undefined) return send(performance.now())
      const waiting = due.shift()
      if (waiting === undefined) idle.push(send)
      else send(waiting)
    }
    const end = () => {
      if (!sockets.delete(socket)) return
      if (number > 0) {
        inFlight--
        lost++
      }
      const index = idle.indexOf(send)
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
      latencies.push(performance.now() - sentAt)
      if (reply.status === 200) answered.set(reply.id, number)
      else refused.set(reply.status, (refused.get(reply.status) ?? 0) + 1)
      number = 0
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
