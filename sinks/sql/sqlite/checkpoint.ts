import { statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

/** The write-ahead log's length at which it is written back into the database: SQLite's own default of 1,000 pages. */
const WAL_BYTES = 4_096_000

/**
 * The thread's program, as text: bundlers lose a worker's file. A passive checkpoint does the most and is in nobody's way; what
 * was written meanwhile is left for the one that empties the log, and lets nobody write. Then a write of what is there
 * already makes the next log's first page, for which SQLite waits for the disk: better here than on the event loop.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
const { DatabaseSync } = require('node:sqlite')
const database = new DatabaseSync(workerData, { timeout: 1000 })
database.exec('pragma synchronous = normal')
const checkpoint = () => {
  database.exec('pragma wal_checkpoint(passive)')
  const { busy } = database.prepare('pragma wal_checkpoint(truncate)').get()
  if (busy) return
  // Somebody's own number: nobody may change it between the two.
  database.exec('begin immediate')
  try {
    const { user_version } = database.prepare('pragma user_version').get()
    database.exec('pragma user_version = ' + user_version + '; commit')
  } catch (error) {
    database.exec('rollback')
    throw error
  }
}
parentPort.on('message', (message) => {
  if (message === 'close') {
    database.close()
    parentPort.close()
    return
  }
  try {
    checkpoint()
  } catch {
    // Somebody else is writing: the next one is asked for soon.
  }
  parentPort.postMessage('done')
})
`

/** Keeps a database's write-ahead log short, on a thread: a checkpoint waits for the disk. */
export interface Checkpointer {
  /** Starts a checkpoint where one is due. */
  look(): void
  close(): Promise<void>
}

export const createCheckpointer = (file: string): Checkpointer => {
  let worker: Worker | undefined
  let running = false

  const start = (): Worker => {
    const started = new Worker(PROGRAM, {
      eval: true,
      workerData: file,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    started.unref()
    started.on('message', () => (running = false))
    // A thread that ended in whatever way is started again when it is needed: the log only grows meanwhile.
    started.on('error', () => {})
    started.on('exit', () => {
      running = false
      if (worker === started) worker = undefined
    })
    return started
  }

  return {
    look() {
      if (running) return
      const size = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
      if (size < WAL_BYTES) return
      running = true
      worker ??= start()
      worker.postMessage('checkpoint')
    },
    async close() {
      const closing = worker
      if (!closing) return
      worker = undefined
      await new Promise<void>((resolve) => {
        closing.ref()
        closing.once('exit', () => resolve())
        closing.postMessage('close')
      })
    },
  }
}
