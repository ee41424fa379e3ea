import { AsyncResource } from 'node:async_hooks'
import type { Socket } from 'node:net'
import { corkSocket, uncorkSocket } from './cork-socket.ts'

/** A reply that waits. When it goes, `finish` and callbacks run in the async context in which it was ended, not in another request's. */
export class HeldReply extends AsyncResource {
  readonly #socket: Socket

  constructor(socket: Socket) {
    super('PREDICTIONS_REPLY', { requireManualDestroy: true })
    this.#socket = socket
    corkSocket(socket)
  }

  letGo(): void {
    this.runInAsyncScope(uncorkSocket, undefined, this.#socket)
    this.emitDestroy()
  }
}
