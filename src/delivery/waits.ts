import { afterMs } from '../steps/real-timers.ts'

/** A wait that can be cut short, for one waiter at a time. It never keeps the process alive. */
export const createPause = () => {
  let end = () => {}
  return {
    wait: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const cancel = afterMs(ms, resolve)
        end = () => {
          cancel()
          resolve()
        }
      }),
    cut: (): void => end(),
  }
}

export type Pause = ReturnType<typeof createPause>

/** Resolves with what `answer` does, or with false after `ms`. */
export const orFalseAfter = (ms: number, answer: Promise<boolean>): Promise<boolean> => {
  const pause = createPause()
  return Promise.race([answer, pause.wait(ms).then(() => false)]).finally(pause.cut)
}

/** Whether `work` ends within `ms`, well or badly. */
export const endsWithin = (work: Promise<unknown>, ms: number): Promise<boolean> => {
  const ended = () => true
  return orFalseAfter(ms, work.then(ended, ended))
}
