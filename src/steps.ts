import * as timers from 'node:timers'

/** Work that takes long, in steps of a fraction of a millisecond as a rule: between them other work may go on. */
export type Steps<Result = void> = Generator<undefined, Result, undefined>

/** Does all of the work at once. */
export const finish = <Result>(work: Steps<Result>): Result => {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}

/** Runs work that takes long in steps, so that nothing else waits for it for long. */
export interface StepRunner {
  /**
   * Runs an iteration to its end, a few steps in each turn of the event loop, and in turns with others. Must not throw.
   * @returns resolves at its end
   */
  run(work: Iterator<unknown>): Promise<void>
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

/** Taken at the start: records must not wait for a clock that the app's own tests stopped. */
const { setImmediate } = timers

/** How long steps go on in one turn of the event loop, in milliseconds: each is to be a fraction of that. */
const BUDGET_MS = 2

interface Job {
  readonly work: Iterator<unknown>
  readonly end: () => void
}

/** Of all runners: what is under way. */
const underWay = new Set<Job>()

/** The process ends at once: what is under way is brought to its end now. */
const finishAll = (): void => {
  for (const { work } of underWay) while (work.next().done !== true);
}
let isWatched = false

const watchExit = (): void => {
  if (!isWatched) process.on('exit', finishAll)
  isWatched = true
}

export const createStepRunner = (): StepRunner => {
  const jobs: Job[] = []
  let waiting: (() => void)[] = []

  const end = (job: Job): void => {
    underWay.delete(job)
    job.end()
    if (jobs.length > 0) return
    for (const resolve of waiting) resolve()
    waiting = []
  }

  /** One turn: a part of the first job's work, which then waits for the others. */
  const turn = (): void => {
    const job = jobs.shift()!
    const until = performance.now() + BUDGET_MS
    let isDone = false
    while (!isDone && performance.now() < until) isDone = job.work.next().done === true
    if (isDone) end(job)
    else jobs.push(job)
    if (jobs.length > 0) setImmediate(turn)
  }

  return {
    run(work) {
      watchExit()
      return new Promise((resolve) => {
        const job = { work, end: resolve }
        underWay.add(job)
        if (jobs.push(job) === 1) setImmediate(turn)
      })
    },
    idle: () => (jobs.length === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  }
}
