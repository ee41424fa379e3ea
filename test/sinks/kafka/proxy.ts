import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy before a server, to cut what stands behind it. */
export const startProxy = async (target: { host: string; port: number }) => {
  const sockets = new Set<Socket>()
  let isCut = false
  const keep = (socket: Socket, other: () => Socket) => {
    sockets.add(socket)
    // Either side's end is the other's.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      other().destroy()
    })
  }
  const server = createServer((client) => {
    if (isCut) return void client.destroy()
    const upstream = connect(target)
    keep(client, () => upstream)
    keep(upstream, () => client)
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    /** Ends every connection, and takes no new one. */
    cut(): void {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    restore(): void {
      isCut = false
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
