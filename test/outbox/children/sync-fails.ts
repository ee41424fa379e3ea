import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { texts } from '../support.ts'

/** `node sync-fails.ts DIRECTORY`: the first `fdatasync` fails. Prints the segments that were brought to the disk, and how two flushes end. */
const [directory = ''] = process.argv.slice(2)

const real = fs.fdatasync
let fails = 1
const fdatasync = (fd: number, callback: fs.NoParamCallback) => {
  const name = Number(/(\d+)\.log$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1])
  if (fails-- > 0) {
    callback(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))
    return
  }
  real(fd, (error) => {
    console.log(`synced ${name}`)
    callback(error)
  })
}
Object.assign(fs, { fdatasync })
syncBuiltinESMExports()

// Loaded after the change above.
const { openOutbox } = await import('../../../src/outbox/outbox.ts')
const quiet = () => {}
const outbox = openOutbox({
  directory,
  maxBytes: 640 * 1024,
  logger: { info: quiet, warn: quiet, error: quiet },
  sinks: ['main'],
})
await outbox.ready
const queue = outbox.queue('main')
// Segments of 80 KiB: two are complete, the third one grows.
for (let i = 0; i < 7; i++) queue.append([texts(i, 1)[0]!.replace('"iris"', `"${'x'.repeat(30_000)}"`)])
await queue.flushed().catch((error: unknown) => console.log(`refused: ${(error as Error).message}`))
await queue.flushed()
console.log('flushed')
process.exit()
