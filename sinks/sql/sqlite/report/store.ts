import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { PredictionsError } from '../../../../src/errors/errors.ts'
import type {
  Answers,
  ReportPlan,
  Progress,
  Store,
  StoreOptions,
  Survey,
  SurveyQuestion,
} from '../../../../src/report/answers.ts'
import { unavailable } from '../../errors.ts'
import { tablesOf } from '../address.ts'
import { ask, type SqliteQuestions } from './ask.ts'

type Message = { share: number; step: string } | { result: unknown } | { failed: string; code: unknown }

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

const onThread = async (file: string, questions: SqliteQuestions, progress: Progress): Promise<unknown> => {
  const worker = new Worker(file, { workerData: questions, execArgv: ['--disable-warning=ExperimentalWarning'] })
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  worker.on('message', (message: Message) => {
    if ('share' in message) progress(message.share, message.step)
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

/** A SQLite file's table, read by a thread; by this one where a bundler has lost the thread's file. */
export const sqliteStore = (options: StoreOptions): Store => {
  const { name, ...tables } = tablesOf(options)
  let asked: SurveyQuestion | undefined
  let total = 0

  const answerOf = async (questions: SqliteQuestions, progress: Progress): Promise<unknown> => {
    const worker = workerFile()
    try {
      return worker === undefined ? ask(questions, progress) : await onThread(worker, questions, progress)
    } catch (error) {
      throw error instanceof PredictionsError ? error : unavailable(name, error)
    }
  }

  return {
    name,
    async survey(question, progress) {
      asked = question
      const survey = (await answerOf({ tables, question }, progress)) as Survey
      total = survey.current + survey.reference
      return survey
    },
    async answer(plan: ReportPlan, progress) {
      const question = asked ?? { ...plan, by: plan.by.map(({ name }) => name), columns: [] }
      const answers = (await answerOf({ tables, question, plan, total }, progress)) as Answers
      return { ...answers, plan }
    },
    async close() {},
  }
}
