import type { Answers, Progress, ReportPlan, Window, WindowAnswer } from '../../../src/report/answers.ts'
import { askingOf } from './answer/asking.ts'
import { binsOf } from './answer/bins.ts'
import { extraTasks } from './answer/extra.ts'
import { foldTasks } from './answer/fold.ts'
import { labelledOf } from './answer/labelled.ts'
import { momentTasks } from './answer/moments.ts'
import { countUnmatched } from './answer/unmatched.ts'
import { groupedTasks } from './grouped.ts'
import type { Known } from './known.ts'
import type { ReportSource } from './source.ts'
import { runOn, type Task } from './sessions.ts'
import type { ReportSession } from './words.ts'

/** The second pass: bins and sums of all windows at once, by as few statements as the database lets it be. */

interface Asked {
  /** Those that take longest first. */
  readonly tasks: readonly Task<void>[]
  answer(): WindowAnswer
}

const askWindow = (source: ReportSource, plan: ReportPlan, known: Known, window: Window): Asked => {
  const asking = askingOf(source, plan, known, window)
  const tasks: Task<void>[] = []
  let unmatched: number | undefined
  if (plan.comparison) {
    tasks.push(...groupedTasks(source.words, labelledOf(asking), asking.bindings))
    // Of the reference nobody wants to know.
    if (!asking.isReference)
      tasks.push(async (session) => {
        unmatched = await countUnmatched(asking, session)
      })
  }
  tasks.push(
    ...groupedTasks(source.words, binsOf(asking), asking.bindings),
    ...momentTasks(asking),
    ...foldTasks(asking),
    ...extraTasks(asking),
  )
  return { tasks, answer: () => asking.tally.answer(unmatched) }
}

/** Of each list its first, then of each its second. */
const inTurns = <Item>(lists: readonly (readonly Item[])[]): Item[] =>
  Array.from({ length: Math.max(...lists.map(({ length }) => length)) }, (_, index) =>
    lists.flatMap((list) => list.slice(index, index + 1)),
  ).flat()

export const answer = async (
  sessions: readonly ReportSession[],
  source: ReportSource,
  plan: ReportPlan,
  known: Known,
  progress: Progress,
): Promise<Answers> => {
  const current = askWindow(source, plan, known, plan.current)
  const reference = plan.reference && askWindow(source, plan, known, plan.reference)
  const tasks = inTurns([reference?.tasks ?? [], current.tasks])
  await runOn(sessions, tasks, (finished) => progress(finished / tasks.length, 'counting'))
  return { plan, current: current.answer(), reference: reference?.answer() }
}
