import type { ReportSession } from './words.ts'

export type Task<Result> = (session: ReportSession) => Promise<Result>

/** Runs tasks on all sessions at once, each session one after the other; what comes of them in the order of the tasks. */
export const runOn = async <Result>(
  sessions: readonly ReportSession[],
  tasks: readonly Task<Result>[],
  done: (finished: number) => void = () => {},
): Promise<Result[]> => {
  const queue = [...tasks.entries()]
  const results: Result[] = []
  let finished = 0
  await Promise.all(
    sessions.map(async (session) => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [index, task] = next
        results[index] = await task(session)
        done(++finished)
      }
    }),
  )
  return results
}
