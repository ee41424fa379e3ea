import { AsyncResource } from 'node:async_hooks'
import type { Socket } from 'node:net'
import { corkSocket, uncorkSocket } from './cork-socket.ts'

/** A reply that waits. What runs when it goes (`finish`, callbacks) finds the async context that it was ended in, not another request's. */
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
