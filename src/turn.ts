import type { Socket } from 'node:net'
import { corkSocket, uncorkSocket } from './cork.ts'

/** What ended in one turn of the event loop, to be recorded before its replies go. */
export interface Turn<Ended> {
  /** Takes it, and keeps its reply back until the end of the turn. false: it does not, as turns take too long. */
  add(ended: Ended, socket: Socket): boolean
  /** Ends the wait now. */
  flush(): void
}

/** Longer than this for each of its replies, in milliseconds, a turn is not waited for: handlers compute in it, each as long as that. */
const MAX_WAIT_MS = 0.2
/** So long, in milliseconds, no turn is waited for then. */
const PAUSE_MS = 1000

/** Of all captures: those that wait. */
const waiting = new Set<() => void>()
const flushAll = (): void => {
  for (const flush of waiting) flush()
}
let isWatched = false

/** A handler that replies and ends the process: its reply would have gone. */
const watchExit = (): void => {
  isWatched = true
  process.on('exit', flushAll)
}

/**
 * Groups what ends in one turn of the event loop: one `write` for the records of all, at the turn's end, and then their replies.
 * Each is recorded before the last byte of its reply is handed over, as when it is recorded alone, at a fraction of the cost. The
 * replies wait for what is left of the turn: microseconds, as a turn that lasts is noticed and the next ones are not waited for.
 *
 * @param record records what ended; must not throw
 */
export const createTurn = <Ended>(record: (ended: readonly Ended[]) => void): Turn<Ended> => {
  let all: Ended[] = []
  let sockets: Socket[] = []
  let startedAt = 0
  let pausedUntil = 0

  const start = (): void => {
    if (!isWatched) watchExit()
    startedAt = performance.now()
    waiting.add(flush)
    setImmediate(flush)
  }

  const flush = (): void => {
    if (!waiting.delete(flush)) return
    const now = performance.now()
    if (now - startedAt > MAX_WAIT_MS * all.length) pausedUntil = now + PAUSE_MS
    const ended = all
    const held = sockets
    all = []
    sockets = []
    record(ended)
    for (const socket of held) uncorkSocket(socket)
  }

  return {
    add(ended, socket) {
      if (pausedUntil !== 0) {
        if (performance.now() < pausedUntil) return false
        pausedUntil = 0
      }
      if (all.length === 0) start()
      all.push(ended)
      sockets.push(socket)
      corkSocket(socket, flushAll)
      return true
    },
    flush,
  }
}
