import type { Socket } from 'node:net'
import * as timers from 'node:timers'
import { beforeDestroy } from './cork-socket.ts'
import { hasImmediates } from '../steps/immediates.ts'
import { HeldReply } from './held-reply.ts'

/** What ended in one turn of the event loop, to be recorded before its replies go. */
export interface Turn<Ended> {
  /** Takes it, and keeps its reply back until the group is recorded. false: it does not, as waiting gains nothing now. */
  add(ended: Ended, socket: Socket): boolean
  /** Ends the wait now. */
  flush(): void
}

/** Taken at the start: a reply must not wait for a clock that the app's own tests stopped. */
const { setImmediate } = timers

/** In milliseconds: a reply that comes longer after the one before has hardly another to share a write with. It does not wait. */
const MAX_GAP_MS = 1
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
beforeDestroy(flushAll)
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
 * Only a reply that comes close after another one waits: for what is left of the turn, and at most a millisecond, as there the group
 * ends. Handlers that compute for long between two replies all the same are noticed, and for a second no reply is kept back.
 *
 * @param record records what ended
 * @param failed told of what it throws: the replies go all the same
 */
export const createTurn = <Ended>(
  record: (ended: readonly Ended[]) => void,
  failed: (error: unknown) => void,
): Turn<Ended> => {
  let all: Ended[] = []
  let replies: HeldReply[] = []
  let lastAt = -Infinity
  let startedAt = 0
  let pausedUntil = 0
  let slow = 0
  let immediate: NodeJS.Immediate | undefined

  const isPaused = (now: number): boolean => {
    if (pausedUntil === 0) return false
    if (now < pausedUntil) return true
    pausedUntil = 0
    // One more tells.
    slow = MAX_SLOW - 1
    return false
  }

  const start = (now: number): void => {
    if (!isWatched) watchExit()
    startedAt = now
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
    const held = replies
    all = []
    replies = []
    try {
      record(ended)
    } catch (error) {
      failed(error)
    }
    for (const reply of held) reply.letGo()
  }

  return {
    add(ended, socket) {
      const now = performance.now()
      const gap = now - lastAt
      lastAt = now
      const isFirst = all.length === 0
      if (!hasImmediates || isPaused(now) || (isFirst && gap > MAX_GAP_MS)) return false
      all.push(ended)
      replies.push(new HeldReply(socket))
      if (isFirst) start(now)
      else if (now - startedAt > MAX_AGE_MS) flush()
      return true
    },
    flush,
  }
}
