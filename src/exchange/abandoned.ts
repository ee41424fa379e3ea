import { afterMs } from '../steps/real-timers.ts'

/** In milliseconds: how long a handler may still take to reply after its client left. Then the record is made without the reply. */
const ABANDONED_MS = 30_000

/** Requests whose clients left, and whose handlers may still reply: each ends after a while, or when all are ended. */
export const createAbandoned = (fault: (kind: string, error: unknown) => void) => {
  const waiting = new Set<() => void>()
  return {
    /** @param finish ends the request; called once */
    add(finish: () => void): void {
      const cancel = afterMs(ABANDONED_MS, () => end())
      const end = () => {
        cancel()
        if (!waiting.delete(end)) return
        // Called by a timer or by close: nobody above would catch it.
        try {
          finish()
        } catch (error) {
          fault('ending a request whose client left', error)
        }
      }
      waiting.add(end)
    },
    endAll(): void {
      for (const end of [...waiting]) end()
    },
  }
}
