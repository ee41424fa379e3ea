import { connect, type Socket } from 'node:net'

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Microseconds from the request's write to its response's last byte, ascending. */
  readonly latencies: Float64Array
}

export interface LoadOptions {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** Requests a second over all connections; undefined: as many as go. */
  readonly rate?: number
}

const BODY = '{"sepal":{"length":5.1,"width":3.5},"petal":{"length":1.4,"width":0.2}}'
const REQUEST = Buffer.from(
  `POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
)

/** The length of the first response in `data`, or undefined where it is not complete. Every response of a run has the same. */
const responseLength = (data: Buffer): number | undefined => {
  const head = data.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const text = data.toString('latin1', 0, head)
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(`not the reply that was expected: ${text}`)
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
  return data.length >= head + 4 + length ? head + 4 + length : undefined
}

/**
 * A load generator that costs less than the servers it measures: one request in flight a connection, responses told by their
 * length alone. With a rate, requests are sent when they are due, and latency counts from then: a slow server can't slow its own test.
 */
export const load = ({ port, connections, seconds, rate }: LoadOptions): Promise<LoadResult> =>
  new Promise((resolve, reject) => {
    const latencies: number[] = []
    const sockets: Socket[] = []
    const idle: ((due: number) => void)[] = []
    const due: number[] = []
    let ended = false
    const startedAt = performance.now()
    const end = () => {
      if (ended) return
      ended = true
      clearInterval(pacer)
      for (const socket of sockets) socket.destroy()
      const sorted = Float64Array.from(latencies).sort()
      resolve({ requests: latencies.length, seconds: (performance.now() - startedAt) / 1000, latencies: sorted })
    }

    let sent = 0
    const pacer =
      rate === undefined
        ? undefined
        : setInterval(() => {
            const target = Math.floor(((performance.now() - startedAt) / 1000) * rate)
            for (; sent < target; sent++) {
              const dueAt = startedAt + (sent / rate) * 1000
              const next = idle.pop()
              if (next === undefined) due.push(dueAt)
              else next(Math.max(dueAt, performance.now() - 1))
            }
          }, 1)

    for (let i = 0; i < connections; i++) {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      socket.setNoDelay(true)
      let sentAt = 0
      let length = 0
      let received = 0
      let pending = Buffer.alloc(0)
      const send = (at: number) => {
        sentAt = at
        socket.write(REQUEST)
      }
      const next = () => {
        if (rate === undefined) return send(performance.now())
        const waiting = due.shift()
        if (waiting === undefined) idle.push(send)
        else send(waiting)
      }
      socket.on('connect', next)
      socket.on('data', (data: Buffer) => {
        if (length === 0) {
          pending = Buffer.concat([pending, data])
          length = responseLength(pending) ?? 0
          if (length === 0) return
          received = pending.length
        } else received += data.length
        if (received < length) return
        received -= length
        latencies.push((performance.now() - sentAt) * 1000)
        if (!ended) next()
      })
      socket.on('error', (error) => (ended ? undefined : reject(error)))
    }
    setTimeout(end, seconds * 1000)
  })

export const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
