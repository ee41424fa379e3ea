import { join, resolve } from 'node:path'
import { atMostOnceA, type Logger } from '../logger.ts'
import { messageOf, PredictionsError } from '../errors/errors.ts'
import { oneAtATime } from '../steps/one-at-a-time.ts'
import { everyMs } from '../steps/real-timers.ts'
import { adopt, removeStrayLocks, type AdoptedLog } from './adoption.ts'
import { openDamage } from './damage.ts'
import { openDiskQueue, type DiskQueue } from './disk-queue.ts'
import { removeIfEmpty, sinkKey } from './files.ts'
import { makeProcessFolder } from './process-folder.ts'
import type { Queue } from './queue.ts'

/**
 * Records on their way to the sinks, on the disk: what is in it outlives the process, and is delivered by whichever process
 * opens the directory next, or shares it already.
 *
 * - One append-only log a sink and process (`log-writer.ts`, `log.ts`), in a folder that the process owns by a lock (`lock.ts`).
 * - A dead process's logs are moved into the folder of a living one (`adoption.ts`).
 * - Each log has a cursor (`cursor.ts`): after `kill -9`, at most the batch that was being written comes again, with the same ids.
 * - Nothing read from the disk is trusted: each line has a checksum (`line.ts`), and what is damaged is set aside (`damage.ts`).
 */
export interface Outbox {
  /** The queue of a sink, by its name. @throws Error when it was not named at the opening */
  queue(sink: string): Queue
  /** Resolves when what earlier runs left has been counted: from then on it is in the queues' sizes. */
  readonly ready: Promise<void>
  /** Lets go of everything; what is queued stays on the disk for the next start. A folder without records is removed. */
  close(): Promise<void>
}

export interface OutboxOptions {
  /** `PREDICTIONS_OUTBOX_DIR`. */
  readonly directory: string
  /** What each sink's queue may hold in bytes, adopted records and dead letters included. */
  readonly maxBytes: number
  readonly logger: Logger
  /** The sinks' names. */
  readonly sinks: readonly string[]
  /**
   * How much of each queue is kept in memory, so as not to be read back, and how much when the disk refuses, in bytes.
   * Default: 16 MiB.
   */
  readonly memoryBytes?: number
}

const DEFAULT_MEMORY_BYTES = 16 * 1024 * 1024
const MINUTE = 60_000
/** What was appended is on the disk within a second. */
const TICK_MS = 500
/** Dead processes are looked for every few ticks: their logs are adopted within 5 s. */
const TICKS_BETWEEN_LOOKS = 4

/** @throws PredictionsError that names the variable, when `action` fails */
const needing = <T>(directory: string, action: () => T): T => {
  try {
    return action()
  } catch (error) {
    throw new PredictionsError(
      'PREDICTIONS_OUTBOX_UNUSABLE',
      `PREDICTIONS_OUTBOX_DIR: ${directory} can’t be created or written: ${messageOf(error)}. ` +
        'Give a folder that the service may write to, on a local disk (in a container: a volume), or set PREDICTIONS_DURABILITY=memory.',
      { cause: error },
    )
  }
}

/**
 * Opens the outbox, and adopts what dead processes left in its directory.
 *
 * @throws PredictionsError `PREDICTIONS_OUTBOX_UNUSABLE` when the directory can't be created or written
 * @example
 * const outbox = openOutbox({ directory: '.predictions-outbox', maxBytes: 2 ** 30, logger, sinks: ['postgres'] })
 * outbox.queue('postgres').append(['{"id":"…","timestamp":"…"}']) // safe from kill -9 from here on
 */
export const openOutbox = (options: OutboxOptions): Outbox => {
  const { maxBytes, logger, sinks, memoryBytes = DEFAULT_MEMORY_BYTES } = options
  const directory = resolve(options.directory)
  const warn = atMostOnceA(MINUTE, (message) => logger.error(message))
  const damage = openDamage(join(directory, 'damaged'), warn)

  const folder = needing(directory, () => makeProcessFolder(directory))
  const openQueue = (sink: string): DiskQueue => {
    const makeFolder = () => folder.makeLog(sink)
    const log = makeFolder()
    return openDiskQueue({ sink, outbox: directory, directory: log, maxBytes, memoryBytes, damage, warn, makeFolder })
  }
  const queues = needing(directory, () => {
    try {
      return new Map(sinks.map((sink) => [sinkKey(sink), openQueue(sink)]))
    } catch (error) {
      folder.close()
      throw error
    }
  })
  const keys = new Set(queues.keys())

  const onTrouble = (error: unknown) =>
    warn('adopt', `The outbox can’t look for what other processes left in ${directory}: ${messageOf(error)}`)

  const moveLogs = (): AdoptedLog[] => {
    const moved: AdoptedLog[] = []
    try {
      folder.make()
      adopt(directory, folder, keys, (log) => moved.push(log), onTrouble)
      removeStrayLocks(directory)
    } catch (error) {
      onTrouble(error)
    }
    return moved
  }

  const lookForLogs = oneAtATime(async () => {
    for (const { key, path } of moveLogs()) await queues.get(key)?.adopt(path)
  })
  const upkeep = oneAtATime(async () => {
    await Promise.all([...queues.values()].map((queue) => queue.upkeep()))
  })

  let ticks = 0
  const endUpkeep = everyMs(TICK_MS, () => {
    void upkeep()
    if (++ticks % TICKS_BETWEEN_LOOKS === 0) void lookForLogs()
  })
  const ready = Promise.all([lookForLogs(), upkeep()]).then(() => {})

  let closing: Promise<void> | undefined
  const close = async () => {
    endUpkeep()
    await Promise.all([lookForLogs(), upkeep()])
    for (const [key, queue] of queues) {
      await queue.close()
      removeIfEmpty(join(folder.path, key))
    }
    folder.close()
  }

  return {
    queue(sink) {
      const queue = queues.get(sinkKey(sink))
      if (!queue) throw new Error(`the outbox has no queue for ${sink}`)
      return queue
    },
    ready,
    close: () => (closing ??= close()),
  }
}
