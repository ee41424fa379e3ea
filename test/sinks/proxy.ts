import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy before a server, by which a test cuts connections and lets servers be away. */
export interface Proxy {
  readonly port: number
  /** Bytes that clients have sent so far. */
  sent(): number
  /** Cuts all connections as soon as clients have sent `bytes` more. */
  cutAfter(bytes: number): void
  /** Takes bytes from now on and passes none of them on. */
  freeze(): void
  close(): Promise<void>
}

export const createProxy = async (target: number, port = 0): Promise<Proxy> => {
  const sockets = new Set<Socket>()
  let sent = 0
  let limit = Infinity
  let frozen = false
  const cut = () => {
    limit = Infinity
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: target })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (data) => {
      if (frozen) return
      sent += data.length
      if (sent >= limit) return cut()
      upstream.write(data)
    })
    upstream.on('data', (data) => frozen || client.write(data))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => sent,
    cutAfter(bytes) {
      limit = sent + bytes
    },
    freeze() {
      frozen = true
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      cut()
      await closed
    },
  }
}
