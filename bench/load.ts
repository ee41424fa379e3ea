import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface LoadResult {
  readonly requests: number
  /** Until the last response has come. */
  readonly seconds: number
  /** Microseconds from the request's write to its response's last byte, in the order of the responses. */
  readonly latencies: readonly number[]
}

export interface Load {
  /**
   * Sends requests for some seconds, and waits for the last response.
   * @param rate requests a second over all connections; undefined: as many as go
   */
  run(seconds: number, rate?: number): Promise<LoadResult>
  close(): void
}

export const BODY = '{"sepal":{"length":5.1,"width":3.5},"petal":{"length":1.4,"width":0.2}}'
const REQUEST = Buffer.from(
  `POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
)

/** The length of the first response in `data`, or 0 where it is not complete. Every response of a run has the same. */
const responseLength = (data: Buffer): number => {
  const head = data.indexOf('\r\n\r\n')
  if (head < 0) return 0
  const text = data.toString('latin1', 0, head)
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(`not the reply that was expected: ${text}`)
  const length = head + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1])
  return data.length >= length ? length : 0
}

/** One request in flight; `done` is told of each response. */
const openConnection = async (port: number, done: (microseconds: number) => void) => {
  const socket: Socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  let sentAt = 0
  let length = 0
  let received = 0
  let head = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    received += data.length
    if (length === 0) {
      head = Buffer.concat([head, data])
      length = responseLength(head)
    }
    if (length === 0 || received < length) return
    received = 0
    done((performance.now() - sentAt) * 1000)
  })
  return {
    /** @param since when the request was due: a slow server can't slow its own test */
    send(since = performance.now()) {
      sentAt = since
      socket.write(REQUEST)
    },
    close: () => void socket.destroy(),
  }
}

type Connection = Awaited<ReturnType<typeof openConnection>>

/**
 * A load generator that costs less than the servers it measures: one request in flight a connection, responses told by their
 * length alone. Connections stay open between runs, so that servers can be measured in short turns.
 */
export const openLoad = async (port: number, connections: number): Promise<Load> => {
  let onDone: (connection: Connection, microseconds: number) => void = () => {}
  const all: Connection[] = []
  for (let i = 0; i < connections; i++) {
    const connection: Connection = await openConnection(port, (microseconds) => onDone(connection, microseconds))
    all.push(connection)
  }

  const asManyAsGo = (seconds: number): Promise<LoadResult> =>
    new Promise((resolve) => {
      const latencies: number[] = []
      const startedAt = performance.now()
      const end = startedAt + seconds * 1000
      let inFlight = connections
      onDone = (connection, microseconds) => {
        latencies.push(microseconds)
        const now = performance.now()
        if (now < end) return connection.send(now)
        if (--inFlight === 0) resolve({ requests: latencies.length, seconds: (now - startedAt) / 1000, latencies })
      }
      for (const connection of all) connection.send()
    })

  /** Requests are sent when they are due, and latency counts from then. */
  const atRate = (seconds: number, rate: number): Promise<LoadResult> =>
    new Promise((resolve) => {
      const latencies: number[] = []
      const idle = [...all]
      const due: number[] = []
      const startedAt = performance.now()
      const total = Math.floor(seconds * rate)
      let sent = 0
      const pacer = setInterval(() => {
        const now = performance.now()
        const target = Math.min(total, Math.floor(((now - startedAt) / 1000) * rate))
        for (; sent < target; sent++) {
          // The timer's own delay is not the server's.
          const dueAt = Math.max(startedAt + (sent / rate) * 1000, now - 1)
          const connection = idle.pop()
          if (connection === undefined) due.push(dueAt)
          else connection.send(dueAt)
        }
        if (sent === total) clearInterval(pacer)
      }, 1)
      onDone = (connection, microseconds) => {
        latencies.push(microseconds)
        const dueAt = due.shift()
        if (dueAt === undefined) idle.push(connection)
        else connection.send(dueAt)
        if (latencies.length === total)
          resolve({ requests: total, seconds: (performance.now() - startedAt) / 1000, latencies })
      }
    })

  return {
    run: (seconds, rate) => (rate === undefined ? asManyAsGo(seconds) : atRate(seconds, rate)),
    close: () => all.forEach((connection) => connection.close()),
  }
}

/** @param share 0.5 is the median */
export const percentile = (values: Iterable<number>, share: number): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
