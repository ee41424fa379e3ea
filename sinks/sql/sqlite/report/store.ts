import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { PredictionsError } from '../../../../src/errors/errors.ts'
import type { ReportPlan, Store, StoreOptions, Survey, SurveyQuestion } from '../../../../src/report/answers.ts'
import { unavailable } from '../../errors.ts'
import { tablesOf } from '../address.ts'
import { sharesOf, type Share } from './answer.ts'
import { ask, type SqliteQuestion } from './ask.ts'

type Message = { done: number } | { result: unknown } | { failed: string; code: unknown }
type Tell = (done: number) => void

/** Where the worker's file stands: beside this one's folder, or from where the package's own build has this code. */
const workerFile = (): string | undefined =>
  [
    '../report-worker.ts',
    './sinks/sql/sqlite/report-worker.js',
    '../report-worker.js',
    '../sinks/sql/sqlite/report-worker.js',
    '../../sinks/sql/sqlite/report-worker.js',
  ]
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((path) => existsSync(path))

/** Rows are garbage as soon as they are counted: more room for them would only be more memory, of each of two threads. */
const YOUNG_MIB = 12

const onThread = async (file: string, question: SqliteQuestion, tell: Tell): Promise<unknown> => {
  const worker = new Worker(file, {
    workerData: question,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  })
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  worker.on('message', (message: Message) => {
    if ('done' in message) tell(message.done)
    else if ('result' in message) resolve(message.result)
    else if (message.code === 'PREDICTIONS_BAD_CONFIGURATION')
      reject(new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', message.failed))
    else reject(new Error(message.failed))
  })
  worker.once('error', reject)
  worker.once('exit', (code) => reject(new Error(`the thread that reads the file ended with ${code}`)))
  try {
    return await promise
  } finally {
    await worker.terminate()
  }
}

/** A SQLite file's table, read by threads; by this one where a bundler has lost the thread's file. */
export const sqliteStore = (options: StoreOptions): Store => {
  const { name, ...tables } = tablesOf(options)
  let asked: SurveyQuestion | undefined
  let rows = 0

  const answerOf = async (question: SqliteQuestion, tell: Tell): Promise<unknown> => {
    const worker = workerFile()
    try {
      return worker === undefined ? ask(question, tell) : await onThread(worker, question, tell)
    } catch (error) {
      throw error instanceof PredictionsError ? error : unavailable(name, error)
    }
  }

  return {
    name,
    async survey(question, progress) {
      asked = question
      const survey = (await answerOf({ tables, question }, (share) =>
        progress(share, 'looking at what there is'),
      )) as Survey
      rows = survey.current + survey.reference
      return survey
    },
    async answer(plan: ReportPlan, progress) {
      const question = asked ?? { ...plan, by: plan.by.map(({ name }) => name), columns: [] }
      let done = 0
      const tell = (more: number) => progress(Math.min(1, (done += more) / Math.max(rows, 1)), 'reading rows')
      const shares = sharesOf(plan).map((windows) => answerOf({ tables, question, second: { plan, windows } }, tell))
      const { current, reference, unmatched } = Object.assign({}, ...(await Promise.all(shares))) as Share
      progress(1, 'reading rows')
      return { plan, current: { ...current!, unmatched }, reference }
    },
    async close() {},
  }
}
