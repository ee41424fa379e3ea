import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { recordFromJson } from '../../../src/records/record.ts'
import { texts } from '../support.ts'

/**
 * `node few-files.ts DIRECTORY RECORDS`: adopts a log, and has no file descriptor left from the moment on when the log has been moved,
 * until it has looked for more. Prints how many records it took over, and what it says meanwhile.
 */
const [directory = '', count = '0'] = process.argv.slice(2)

const hoard: number[] = []
const takeAll = () => {
  for (;;) {
    try {
      hoard.push(fs.openSync('/dev/null', 'r'))
    } catch {
      return
    }
  }
}
const giveBack = () => {
  for (const fd of hoard.splice(0)) fs.closeSync(fd)
}

/** Taken once: after the moved log's folder has been read, before its files are opened. */
const readdir = fs.promises.readdir as (path: string) => Promise<string[]>
let taken = false
const readdirAndTake = async (path: string) => {
  const names = await readdir(path)
  if (!taken && names.includes('000000000001.log')) {
    taken = true
    takeAll()
  }
  return names
}
Object.assign(fs.promises, { readdir: readdirAndTake })
syncBuiltinESMExports()

// Loaded after the change above.
const { openOutbox } = await import('../../../src/outbox/outbox.ts')
const { syncFolder } = await import('../../../src/outbox/files.ts')
const { leaveLog } = await import('../../../src/outbox/leave-log.ts')
const records = texts(0, Number(count)).map((text) => ({ sink: 'main', record: recordFromJson(text) }))
await leaveLog(directory, records)
const said = (message: string) => console.log(message)
const outbox = openOutbox({
  directory,
  maxBytes: 2 ** 30,
  logger: { info: said, warn: said, error: said },
  sinks: ['main'],
})
const queue = outbox.queue('main')
const limit = { records: Number(count), bytes: 1e9 }
await outbox.ready
console.log(`adopted ${queue.size().carriedOver}`)
await queue.read(limit).catch((error: unknown) => console.log(String(error)))
await syncFolder(directory).catch((error: unknown) => console.log(String(error)))
giveBack()
while (queue.size().carriedOver === 0) await new Promise((resolve) => setImmediate(resolve))
console.log(`adopted ${queue.size().carriedOver}`)
const batch = await queue.read(limit)
console.log(`read ${batch?.records.length}`)
await queue.commit(batch!)
await outbox.close()
process.exit()
