import type { Socket } from 'node:net'
import { corkSocket, uncorkSocket } from './cork.ts'

/** What ended in one turn of the event loop, to be recorded before its replies go. */
export interface Turn<Ended> {
  /** Takes it, and keeps its reply back until the group is recorded. false: it does not, as handlers compute for long. */
  add(ended: Ended, socket: Socket): boolean
  /** Ends the wait now. */
  flush(): void
}

/** In milliseconds: a group that is as old is not added to. */
const MAX_AGE_MS = 1
/** In milliseconds: where handlers compute for as long, the reply before should not wait for the next one. */
const MAX_STEP_MS = 1
/** So many slow groups in a row are no coincidence, as a garbage collection is. */
const MAX_SLOW = 4
/** So long, in milliseconds, no reply is kept back then. */
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
 * Groups what ends in one turn of the event loop: one `write` for the records of all, and then their replies. Each is recorded
 * before the last byte of its reply is handed over, as when it is recorded alone, at a fraction of the cost.
 *
 * A reply waits for what is left of the turn, and at most a millisecond: there the group ends. Handlers that compute for
 * long between two replies are noticed, and for a second no reply is kept back.
 *
 * @param record records what ended; must not throw
 */
export const createTurn = <Ended>(record: (ended: readonly Ended[]) => void): Turn<Ended> => {
  let all: Ended[] = []
  let sockets: Socket[] = []
  let startedAt = 0
  let pausedUntil = 0
  let slow = 0
  let immediate: NodeJS.Immediate | undefined

  const isPaused = (): boolean => {
    if (pausedUntil === 0) return false
    if (performance.now() < pausedUntil) return true
    pausedUntil = 0
    // One more tells.
    slow = MAX_SLOW - 1
    return false
  }

  const start = (): void => {
    if (!isWatched) watchExit()
    startedAt = performance.now()
    waiting.add(flush)
    immediate ??= setImmediate(() => {
      immediate = undefined
      flush()
    })
  }

  const flush = (): void => {
    if (!waiting.delete(flush)) return
    const now = performance.now()
    slow = now - startedAt > MAX_STEP_MS * all.length ? slow + 1 : 0
    if (slow === MAX_SLOW) pausedUntil = now + PAUSE_MS
    const ended = all
    const held = sockets
    all = []
    sockets = []
    record(ended)
    for (const socket of held) uncorkSocket(socket)
  }

  return {
    add(ended, socket) {
      if (isPaused()) return false
      const isFirst = all.length === 0
      all.push(ended)
      sockets.push(socket)
      corkSocket(socket, flushAll)
      if (isFirst) start()
      else if (performance.now() - startedAt > MAX_AGE_MS) flush()
      return true
    },
    flush,
  }
}
