import { inNextTurn, nextTurn } from './real-timers.ts'

/** Work that takes long, in steps of a fraction of a millisecond as a rule: between them other work may go on. */
export type Steps<Result = void> = Generator<undefined, Result, undefined>

/** How long steps go on in one turn of the event loop, in milliseconds: each is to be a fraction of that. */
const BUDGET_MS = 2

/** Does all of the work at once. */
export const finish = <Result>(work: Steps<Result>): Result => {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}

/** To be asked after each step of work that goes on long: a promise where other work is to have its turn first. */
export type Pause = () => Promise<void> | undefined

/** All that ask the same one share its time in a turn. */
export const createPauses = (): Pause => {
  let since = performance.now()
  let next: Promise<void> | undefined
  return () => {
    if (next === undefined && performance.now() - since < BUDGET_MS) return undefined
    return (next ??= nextTurn().then(() => {
      since = performance.now()
      next = undefined
    }))
  }
}

/**
 * Does all of the work, while other work has its turns.
 * @param pause that of the larger work that this is a part of
 */
export const finishInTurns = async <Result>(work: Steps<Result>, pause = createPauses()): Promise<Result> => {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
    const turn = pause()
    if (turn !== undefined) await turn
  }
}

/** Runs work that takes long in steps, so that nothing else waits for it for long. */
export interface StepRunner {
  /**
   * Runs work to its end, a few steps in each turn of the event loop, as long as other work waits in turns with the next. It must
   * not throw.
   * @param end called at its end
   */
  run(work: Iterator<unknown>, end: () => void): void
  /** Resolves when all is done that is under way now. */
  idle(): Promise<unknown>
}

/** How long the end of the process waits for what is under way, in milliseconds. */
const EXIT_MS = 2000

interface Job {
  readonly work: Iterator<unknown>
  end(): void
  readonly ended: Promise<void>
}

/** Of all runners: what is under way, and of these the one that is doing a step. */
const underWay = new Set<Job>()
let running: Job | undefined

/** The process ends at once: what is under way is brought to its end now, as far as there is time. */
const finishAll = (): void => {
  const until = performance.now() + EXIT_MS
  for (const job of underWay) {
    // It was its own step that ended the process.
    if (job === running) continue
    let isDone = false
    while (!isDone && performance.now() < until) isDone = job.work.next().done === true
    if (isDone) job.end()
  }
}
let isWatched = false

const watchExit = (): void => {
  if (!isWatched) process.on('exit', finishAll)
  isWatched = true
}

const newJob = (work: Iterator<unknown>, end: () => void): Job => {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const job: Job = {
    work,
    ended,
    end() {
      underWay.delete(job)
      end()
      resolve()
    },
  }
  underWay.add(job)
  return job
}

export const createStepRunner = (): StepRunner => {
  const jobs: Job[] = []
  let isScheduled = false

  const schedule = (): void => {
    if (isScheduled || jobs.length === 0) return
    isScheduled = true
    inNextTurn(turn)
  }

  const isDoneWithin = (job: Job, ms: number): boolean => {
    const until = performance.now() + ms
    running = job
    try {
      while (performance.now() < until) if (job.work.next().done === true) return true
      return false
    } finally {
      running = undefined
    }
  }

  /** One turn: a part of the first job's work. With the next it takes turns, so that what is quick need not wait for what is not. */
  const turn = (): void => {
    isScheduled = false
    const job = jobs.shift()!
    if (isDoneWithin(job, BUDGET_MS)) job.end()
    else jobs.splice(1, 0, job)
    schedule()
  }

  return {
    run(work, end) {
      watchExit()
      jobs.push(newJob(work, end))
      schedule()
    },
    idle: () => Promise.all(jobs.map(({ ended }) => ended)),
  }
}
