import type { Socket } from 'node:net'
import { beforeDestroy } from './cork-socket.ts'
import { inNextTurn } from '../steps/real-timers.ts'
import { HeldReply } from './held-reply.ts'

/** The exchanges that ended in one turn of the event loop: they are recorded together, before their replies go. */
export interface Turn<Ended> {
  /** Takes it, and keeps its reply back until the group is recorded. false: it does not, as waiting gains nothing now. */
  add(ended: Ended, socket: Socket): boolean
  /** Ends the wait now. */
  flush(): void
}

/** In milliseconds: replies that come closer to one another than this share the turn of a busy loop. */
const MAX_GAP_MS = 0.25
/** So many replies have to come close to the one before. Where a few requests come at a time each goes alone: waiting would cost more than a write. */
const MIN_STREAK = 2
/** In milliseconds: a group that is older ends with the next reply. */
const MAX_AGE_MS = 1
/** In milliseconds a reply: where handlers compute for longer, a reply should not wait for the next one. */
const MAX_STEP_MS = 1
/** After a group in which handlers computed for long, so many replies more have to come close to the one before. */
const PENALTY = 1000

/** What ends the wait of each group that waits, of all captures. */
const waiting = new Set<() => void>()
const flushAll = (): void => {
  for (const flush of waiting) flush()
}
beforeDestroy(flushAll)
let isWatched = false

/** A handler may reply and end the process: without a group its reply would have gone by then. */
const watchExit = (): void => {
  isWatched = true
  process.on('exit', flushAll)
}

/**
 * Groups what ends in one turn of the event loop: one `write` for the records of all, and then their replies. Each is recorded
 * before the last byte of its reply is handed over, as when it is recorded alone, at a fraction of the cost.
 *
 * A reply waits only where the event loop is busy: where each of a few replies came close to the one before. It waits for the rest of
 * the turn, as a rule at most a millisecond. After a group in which handlers computed for long, the next thousand replies go alone.
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
  /** How many replies came close to the one before, without a gap. */
  let streak = 0
  let isScheduled = false

  const start = (now: number): void => {
    if (!isWatched) watchExit()
    startedAt = now
    waiting.add(flush)
    if (isScheduled) return
    isScheduled = true
    inNextTurn(() => {
      isScheduled = false
      flush()
    })
  }

  const flush = (): void => {
    if (!waiting.delete(flush)) return
    const now = performance.now()
    if (now - startedAt > MAX_STEP_MS * all.length) streak = -PENALTY
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
    // The system's work on the replies is no gap.
    lastAt = performance.now()
  }

  return {
    add(ended, socket) {
      const now = performance.now()
      streak = now - lastAt <= MAX_GAP_MS ? streak + 1 : Math.min(streak, 0)
      lastAt = now
      const isFirst = all.length === 0
      if (isFirst && streak < MIN_STREAK) return false
      all.push(ended)
      replies.push(new HeldReply(socket))
      if (isFirst) start(now)
      else if (now - startedAt > MAX_AGE_MS) flush()
      return true
    },
    flush,
  }
}
