import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
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
export const sqliteStore = ({ url, table, actualsTable }: StoreOptions): Store => {
  const path = url.replace(/^sqlite:(\/\/)?/, '')
  const file = resolve(path)
  const withoutSchema = (name: string) => name.replace(/^[^.]*\./, '')
  const address = { file, table: withoutSchema(table), actualsTable: withoutSchema(actualsTable) }
  const name = `sqlite:${path}#${address.table}`
  let asked: SurveyQuestion | undefined
  let total = 0

  const answerOf = async (questions: SqliteQuestions, progress: Progress): Promise<unknown> => {
    const worker = workerFile()
    try {
      return worker === undefined ? ask(questions, progress) : await onThread(worker, questions, progress)
    } catch (error) {
      if (error instanceof PredictionsError) throw error
      throw new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', `${name}: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  return {
    name,
    async survey(question, progress) {
      asked = question
      const survey = (await answerOf({ address, question }, progress)) as Survey
      total = survey.current + survey.reference
      return survey
    },
    async answer(plan: ReportPlan, progress) {
      const question = asked ?? { ...plan, by: plan.by.map(({ name }) => name), columns: [] }
      const answers = (await answerOf({ address, question, plan, total }, progress)) as Answers
      return { ...answers, plan }
    },
    async close() {},
  }
}
