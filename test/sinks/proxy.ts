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
  /** Passes the bytes of new connections on again; those that were frozen stay so. */
  thaw(): void
  /** How many connections are open. */
  open(): number
  close(): Promise<void>
}

export const createProxy = async (target: number, port = 0): Promise<Proxy> => {
  const sockets = new Set<Socket>()
  let sent = 0
  let limit = Infinity
  /** Connections of before it was frozen, and since. */
  let frozen = new Set<Socket>()
  let isFrozen = false
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
      if (isFrozen) frozen.add(client)
      if (frozen.has(client)) return
      sent += data.length
      if (sent >= limit) return cut()
      upstream.write(data)
    })
    upstream.on('data', (data) => isFrozen || frozen.has(client) || client.write(data))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => sent,
    cutAfter(bytes) {
      limit = sent + bytes
    },
    freeze() {
      isFrozen = true
      frozen = new Set(sockets)
    },
    thaw() {
      isFrozen = false
    },
    open: () => sockets.size / 2,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      cut()
      await closed
    },
  }
}
