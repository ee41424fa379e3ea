import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What Node.js' own `end()` does before it writes: stable since Node.js 0.x, and what express-session relies on as well. */
interface Internals {
  _header?: string | null
  _contentLength?: number | null
  _implicitHeader?(): void
}

type Call = () => void

/** The call that hands over the last bytes: `end`, or a `write` that fills the Content-Length. */
export interface LastCall {
  readonly chunk: unknown
  readonly encoding: unknown
  readonly ends: boolean
  readonly call: Call
}

/** Makes the head as the last call would, so that `headersSent` is true and no header can be changed any more. */
const makeHead = (res: ServerResponse, { chunk, encoding, ends }: LastCall): void => {
  const internals = res as unknown as Internals
  if (res.headersSent || internals._implicitHeader === undefined) return
  if (ends) internals._contentLength = byteLength(chunk, encoding)
  internals._implicitHeader()
}

/** The bytes of a chunk as `write` and `end` take it; 0 for what is none. */
export const byteLength = (chunk: unknown, encoding: unknown): number => {
  if (typeof chunk === 'string')
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  return chunk instanceof Uint8Array ? chunk.length : 0
}

/** Whether Node.js takes it as the argument of an `end`. It throws at anything else, and then there is nothing to hold. */
export const isEndable = (chunk: unknown): boolean =>
  !chunk || typeof chunk === 'string' || chunk instanceof Uint8Array || typeof chunk === 'function'

/**
 * Holds the end of a response until `safe` resolves. Meanwhile the response reads as if it had gone: its head is made,
 * `writableEnded` is true once it was ended, and a `destroy` of its socket (Express' answer to a handler that throws after its
 * reply) waits too.
 *
 * @returns a function that takes calls made meanwhile, to be run after the last in their order
 */
export const holdResponse = (
  res: ServerResponse,
  safe: Promise<void>,
  last: LastCall,
): ((call: Call, ends: boolean) => void) => {
  const calls: Call[] = [last.call]
  makeHead(res, last)
  if (last.ends) readAsEnded(res)
  const release = guardSocket(res.socket)
  let held = true
  void safe.then(() => {
    delete (res as { writableEnded?: boolean }).writableEnded
    held = false
    for (const call of calls) makeCall(res, call)
    release()
  })
  return (call, ends) => {
    if (!held) return call()
    if (ends) readAsEnded(res)
    calls.push(call)
  }
}

const readAsEnded = (res: ServerResponse): void =>
  void Object.defineProperty(res, 'writableEnded', { configurable: true, get: () => true })

/** Whoever made the call is gone and can't catch what it throws: the connection breaks, not the process. */
const makeCall = (res: ServerResponse, call: Call): void => {
  try {
    call()
  } catch (error) {
    res.destroy(error as Error)
  }
}

interface Guard {
  /** How many hold this socket: two captures that hold one response overlap. */
  holds: number
  readonly restore: Call
}

const guards = new WeakMap<Socket, Guard>()

/** Puts off the socket's destruction until it is released. A response of HTTP/2 whose client went away has no socket. */
const guardSocket = (socket: Socket | null | undefined): Call => {
  if (socket == null) return () => {}
  const guard = guards.get(socket) ?? newGuard(socket)
  guard.holds++
  return () => {
    if (--guard.holds === 0) guard.restore()
  }
}

const newGuard = (socket: Socket): Guard => {
  const { destroy } = socket
  let destroyed: Call | undefined
  const putOff: Socket['destroy'] = (error) => {
    if (guard.holds === 0) return destroy.call(socket, error)
    destroyed = () => void socket.destroy(error)
    return socket
  }
  const restore = () => {
    guards.delete(socket)
    // Another capture may have put its own around this one meanwhile: it stays.
    if (socket.destroy === putOff) socket.destroy = destroy
    destroyed?.()
  }
  const guard = { holds: 0, restore }
  socket.destroy = putOff
  guards.set(socket, guard)
  return guard
}
