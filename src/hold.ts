import type { ServerResponse } from 'node:http'

/** What Node.js' own `end()` does before it writes: stable since Node.js 0.x, and what express-session relies on as well. */
interface Internals {
  _header?: string | null
  _contentLength?: number | null
  _implicitHeader?(): void
}

type Call = () => void

/** Makes the head as `end(chunk)` would, so that `headersSent` is true and no header can be changed any more. */
const makeHead = (res: ServerResponse, chunk: unknown, encoding: unknown): void => {
  const internals = res as unknown as Internals
  if (res.headersSent || internals._implicitHeader === undefined) return
  if (typeof chunk === 'string') {
    internals._contentLength = Buffer.byteLength(
      chunk,
      typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8',
    )
  } else internals._contentLength = chunk instanceof Uint8Array ? chunk.length : 0
  internals._implicitHeader()
}

/**
 * Holds the end of a response until `safe` resolves. Meanwhile the response reads as if it had gone: its head is made,
 * `writableEnded` is true, and a `destroy` of its socket (Express' answer to a handler that throws after its reply) waits too.
 *
 * @param last the call that hands over the last bytes
 * @returns a function that takes calls made meanwhile, to be run after the last in their order
 */
export const holdResponse = (
  res: ServerResponse,
  safe: Promise<void>,
  last: { chunk: unknown; encoding: unknown; ends: boolean; call: Call },
): ((call: Call) => void) => {
  const calls: Call[] = [last.call]
  if (last.ends) makeHead(res, last.chunk, last.encoding)
  Object.defineProperty(res, 'writableEnded', { configurable: true, get: () => true })
  const release = guardSocket(res)
  let held = true
  void safe.then(() => {
    delete (res as { writableEnded?: boolean }).writableEnded
    held = false
    for (const call of calls) call()
    release()
  })
  return (call) => {
    if (held) calls.push(call)
    else call()
  }
}

const guardSocket = (res: ServerResponse): Call => {
  const { socket } = res
  if (socket === null) return () => {}
  const { destroy } = socket
  let destroyed: Call | undefined
  socket.destroy = (error) => {
    destroyed = () => destroy.call(socket, error)
    return socket
  }
  return () => {
    socket.destroy = destroy
    destroyed?.()
  }
}
