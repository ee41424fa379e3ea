import { Socket } from 'node:net'

/**
 * Keeps replies back on their sockets. docs/mechanisms.md says why it replaces `uncork` and `destroy` of a socket.
 */

/** What a socket gets when it is held for the first time. */
interface Cork {
  holds: number
  readonly uncork: Socket['uncork']
  readonly destroy: Socket['destroy']
  /** A destruction that was put off. */
  destroyed: (() => void) | undefined
}

const kCork = Symbol('capture-predictions.cork')
type CorkedSocket = Socket & { [kCork]?: Cork }

/** `end` of a response uncorks its socket, however often it was corked. While the socket is held, it does not. */
function uncork(this: CorkedSocket): void {
  const cork = this[kCork]!
  if (cork.holds === 0) cork.uncork.call(this)
}

let hurry: () => void = () => {}

/** Sets what is called before a held socket is destroyed: it lets go of what need not wait. Other holds put the destruction off. */
export const beforeDestroy = (letGo: () => void): void => void (hurry = letGo)

/** Without a hold, the operating system would have the reply by now, and send it. So the reply goes first. */
function destroy(this: CorkedSocket, error?: Error): Socket {
  const cork = this[kCork]!
  if (cork.holds > 0) hurry()
  if (cork.holds === 0) return cork.destroy.call(this, error)
  cork.destroyed ??= () => void cork.destroy.call(this, error)
  return this
}

/** Done once per connection: setting and deleting properties for each request would make all of the socket's properties slow. */
const install = (socket: CorkedSocket): Cork => {
  const cork: Cork = {
    holds: 0,
    uncork: socket.uncork,
    destroy: socket.destroy,
    destroyed: undefined,
  }
  socket[kCork] = cork
  socket.uncork = uncork
  socket.destroy = destroy
  return cork
}

/** Whether replies on it can be held: a connection of HTTP/1, plain or TLS, and open. Injected requests of tests have none. */
export const isCorkable = (socket: unknown): socket is Socket => socket instanceof Socket && !socket.destroyed

/**
 * Keeps what is written to a socket from going out until `uncorkSocket` is called as often. Everything else of the response is as
 * if it went: `headersSent`, `writableEnded`, the callbacks of `write`.
 */
export const corkSocket = (socket: CorkedSocket): void => {
  const cork = (socket[kCork] ??= install(socket))
  if (cork.holds++ === 0) socket.cork()
}

export const uncorkSocket = (socket: CorkedSocket): void => {
  const cork = socket[kCork]!
  if (--cork.holds > 0) return
  // Node.js may have corked it as well meanwhile, and its own uncorking came too early.
  for (let corked = socket.writableCorked; corked > 0; corked--) socket.uncork()
  const { destroyed } = cork
  cork.destroyed = undefined
  destroyed?.()
}
