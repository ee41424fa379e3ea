import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Defer } from '../setup/scope.ts'

/**
 * What becomes of a database's connections:
 * - `none`: bytes pass.
 * - `refusing`: connections are cut, and new ones refused.
 * - `unreachable`: connections are cut, and nothing answers to new ones.
 * - `hanging`: connections stay, new ones are taken, and no byte passes in either direction.
 * - `cut`: in turn, a batch is cut in the middle; is stored, but the connection is cut before the answer; or passes.
 */
export type Fault = 'none' | 'refusing' | 'unreachable' | 'hanging' | 'cut'

/** A TCP proxy before a database, that makes its faults. */
export interface FaultProxy {
  readonly port: number
  /** Batches that were cut. */
  cuts(): number
  set(fault: Fault): Promise<void>
}

/** What is longer than this is a batch, not a question about the table. */
const BATCH_BYTES = 2000

/** A port that takes two connections, which it never accepts: the system leaves all others without an answer. */
const blackHole = async (port: number): Promise<() => Promise<void>> => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    require('node:net').createServer().listen({ port: workerData, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage('listening')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const worker = new Worker(source, { eval: true, workerData: port })
  await once(worker, 'message')
  // Not waited for: the service that tries the port meanwhile may have taken the place of one, which then never connects.
  const fillers = [1, 2].map(() => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
  return async () => {
    for (const filler of fillers) filler.destroy()
    await worker.terminate()
  }
}

/** Starts a proxy before the local port `target`; it ends with the scope. */
export const startProxy = async (defer: Defer, target: number): Promise<FaultProxy> => {
  const pairs = new Set<readonly [Socket, Socket]>()
  let fault: Fault = 'none'
  let cuts = 0
  let turn = 0
  let server: Server | undefined
  let closeHole: (() => Promise<void>) | undefined

  const cutAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }

  const pass = (client: Socket, upstream: Socket) => {
    const pair = [client, upstream] as const
    pairs.add(pair)
    let owesAnswer = false
    const cut = () => {
      cuts++
      turn++
      for (const socket of pair) socket.destroy()
    }
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    client.on('data', (data) => {
      if (fault !== 'cut') return void upstream.write(data)
      if (turn % 3 === 0 && data.length > BATCH_BYTES)
        return void upstream.write(data.subarray(0, data.length / 2), cut)
      owesAnswer ||= isCommit(data)
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      const isStored = owesAnswer || isTag(data)
      owesAnswer = false
      if (fault !== 'cut' || !isStored) return void client.write(data)
      if (turn % 3 === 1) return cut()
      turn++
      client.write(data)
    })
    if (fault === 'hanging') for (const socket of pair) socket.pause()
  }

  const listen = async (port: number) => {
    server = createServer((client) => pass(client, connect({ port: target, host: '127.0.0.1' })))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const unlisten = async () => {
    const closed = server && once(server, 'close')
    server?.close()
    server = undefined
    cutAll()
    await closed
    await closeHole?.()
    closeHole = undefined
  }

  await listen(0)
  const { port } = server!.address() as AddressInfo
  defer(unlisten)
  return {
    port,
    cuts: () => cuts,
    async set(next) {
      const listens = fault !== 'refusing' && fault !== 'unreachable'
      fault = next
      if (next === 'refusing' || next === 'unreachable') {
        await unlisten()
        if (next === 'unreachable') closeHole = await blackHole(port)
        return
      }
      if (!listens) {
        await unlisten()
        await listen(port)
      }
      const flow = next === 'hanging' ? 'pause' : 'resume'
      for (const pair of pairs) for (const socket of pair) socket[flow]()
    },
  }
}

/** Postgres' word that a statement has stored rows: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const isTag = (data: Buffer): boolean => /C\0\0\0.(COPY|INSERT 0) [1-9]/s.test(data.toString('latin1'))

/**
 * MySQL's command to store them, whose answer is the next: a length, a number, 3 for a query, where the server takes attributes of
 * queries how many there are (none, of one set), and its text.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query.html
 */
const isCommit = (data: Buffer): boolean => commits.some((commit) => data.subarray(4).equals(commit))
const commits = ['\x03commit', '\x03\0\x01commit'].map((command) => Buffer.from(command))
