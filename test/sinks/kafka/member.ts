import { consume } from '../../../sinks/kafka/consume.ts'
import { postgres } from '../../../sinks/postgres.ts'

/** A member in a process of its own, to be killed. Its stats go to stdout, a line of JSON each. */
export interface MemberOptions {
  readonly from: string
  readonly to: string
  readonly table: string
  readonly group: string
  readonly sessionTimeoutMs: number
}

const { from, to, table, group, sessionTimeoutMs } = JSON.parse(process.argv[2]!) as MemberOptions
const consumer = consume({
  from,
  to: postgres({ url: to, table }),
  group,
  sessionTimeoutMs,
  flushIntervalMs: 100,
})
const say = () => process.stdout.write(`${JSON.stringify(consumer.stats())}\n`)
const timer = setInterval(say, 100)
process.once('SIGTERM', () => {
  void consumer.close().then(() => {
    clearInterval(timer)
    say()
  })
})
