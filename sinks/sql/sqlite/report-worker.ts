import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../../src/errors/errors.ts'
import { ask, type SqliteQuestion } from './report/ask.ts'

/** The thread that reads a file for a report: an entry of its own, as it is loaded by its path. */
try {
  const result = ask(workerData as SqliteQuestion, (done) => parentPort!.postMessage({ done }))
  parentPort!.postMessage({ result })
} catch (error) {
  parentPort!.postMessage({ failed: messageOf(error), code: (error as { code?: unknown }).code })
}
