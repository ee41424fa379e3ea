import { Socket } from 'node:net'

/** What a socket that was ever held has. */
interface Cork {
  holds: number
  readonly uncork: Socket['uncork']
  readonly destroy: Socket['destroy']
  /** Lets every hold go. */
  readonly letGo: () => void
}

const kCork = Symbol('capture-predictions.cork')
type CorkedSocket = Socket & { [kCork]?: Cork }

/** `end` of a response uncorks its socket, however often it was corked: not while it is held. */
function uncork(this: CorkedSocket): void {
  const cork = this[kCork]!
  if (cork.holds === 0) cork.uncork.call(this)
}

/** Without a hold the reply would have gone to the system already, and would still be sent. */
function destroy(this: CorkedSocket, error?: Error): Socket {
  const cork = this[kCork]!
  if (cork.holds > 0) cork.letGo()
  return cork.destroy.call(this, error)
}

/** Once a connection: what is set and deleted for each request makes every property of the socket slow. */
const install = (socket: CorkedSocket, letGo: () => void): Cork => {
  const cork = { holds: 0, uncork: socket.uncork, destroy: socket.destroy, letGo }
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
 * @param letGo called when the socket is to be destroyed: lets all holds go at once
 */
export const corkSocket = (socket: CorkedSocket, letGo: () => void): void => {
  const cork = (socket[kCork] ??= install(socket, letGo))
  if (cork.holds++ === 0) socket.cork()
}

export const uncorkSocket = (socket: CorkedSocket): void => {
  const cork = socket[kCork]!
  if (--cork.holds > 0) return
  // Node.js may have corked it as well meanwhile, and its own uncorking came too early.
  for (let corked = socket.writableCorked; corked > 0; corked--) socket.uncork()
}
