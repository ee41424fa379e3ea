import { parseArgs } from 'node:util'
import { killAgainAndAgain, killTwoOfFour, type Killed } from '../faults/kill.ts'
import { runOutage, type Outage } from '../faults/outage.ts'
import { endWhileBusy, stopAndContinue } from '../faults/processes.ts'
import type { Fault } from '../faults/proxy.ts'
import { createReports, type Reports } from '../faults/reports.ts'
import type { Framework } from '../faults/service.ts'
import type { Database } from '../faults/tables.ts'
import type { Verdict } from '../faults/verdict.ts'

/**
 * The faults of test/faults, longer: hundreds of kills, some while clients report actuals, a minute without a database at 1,000
 * requests a second, a process that is stopped for a minute. One line each; the exit code says whether all held.
 *
 * @example node test/long/faults.ts [--rounds 100] [--seconds 60] [--rate 1000]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '1000' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const rate = Number(values.rate)

const services: readonly [Database, Framework][] = [
  ['postgres', 'fastify'],
  ['mysql', 'express'],
  ['mariadb', 'express'],
]
const faults: readonly Fault[] = ['refusing', 'unreachable', 'hanging', 'cut']

/** Megabytes that an outage may take. */
const MORE_MEMORY = 64

const isSound = ({ lost, double, strange }: Verdict) => lost + double + strange === 0

const say = (what: string, holds: boolean, { answered, rows, lost, double }: Verdict, more = '') => {
  if (!holds) process.exitCode = 1
  console.log(
    `${holds ? 'ok  ' : 'FAIL'} ${what}: ${answered} answered, ${rows} rows, ${lost} lost, ${double} double${more}`,
  )
}

const ms = (value: number) => value.toFixed(2)

/** The same run without the fault, beside it. */
const sayOutage = (what: string, outage: Outage, usual: Outage) => {
  const { failed, unbalanced, used, rss, p50, p99, catchUpMs, cuts, retries } = outage
  const holds = isSound(outage) && failed === 0 && unbalanced.length === 0 && used < usual.used + MORE_MEMORY
  const more =
    `, ${failed} failed; p50 ${ms(p50)} ms (${ms(usual.p50)} without), p99 ${ms(p99)} ms (${ms(usual.p99)}), ` +
    `${used.toFixed(0)} MB in use (${usual.used.toFixed(0)}), ${rss.toFixed(0)} resident (${usual.rss.toFixed(0)}), all in after ${(catchUpMs / 1000).toFixed(1)} s, ${retries} retries, ${cuts} cuts`
  say(what, holds, outage, more)
}

/** One line of the predictions, and where clients reported actuals one of those. */
const sayKilled = (what: string, killed: Killed, reports?: Reports) => {
  const { actuals, unbalanced, left, code } = killed
  const atRest = unbalanced.length + left.length === 0 && code === 0
  say(what, isSound(killed) && atRest, killed)
  if (reports) say(`${what}, actuals`, isSound(actuals) && atRest && actuals.answered > 0, actuals)
}

for (const [database, framework] of services)
  sayKilled(
    `kill -9, ${rounds} rounds, ${framework} and ${database}`,
    await killAgainAndAgain({ database, framework, rounds }),
  )

for (const [database, framework] of services.slice(0, 2)) {
  const times = Math.ceil(rounds / 2)
  const reports = createReports()
  const killed = await killAgainAndAgain({ database, framework, rounds: times, reports })
  sayKilled(`kill -9 while actuals are reported, ${times} rounds, ${framework} and ${database}`, killed, reports)
}

for (const [database, framework] of services) {
  const times = Math.ceil(rounds / 10)
  const reports = createReports()
  const killed = await killTwoOfFour({ database, framework, rounds: times, reports })
  sayKilled(`two of four workers killed, ${times} rounds, ${framework} and ${database}`, killed, reports)
}

for (const [database, framework] of services) {
  const usual = await runOutage({ database, framework, fault: 'none', rate, seconds })
  sayOutage(`${database} is there, ${seconds} s at ${rate}/s, ${framework}`, usual, usual)
  for (const fault of faults) {
    const outage = await runOutage({ database, framework, fault, rate, seconds })
    sayOutage(`${database} ${fault}, ${seconds} s at ${rate}/s, ${framework}`, outage, usual)
  }
}

const stopped = await stopAndContinue({ seconds })
const wentOn = isSound(stopped) && stopped.kept && stopped.adopted + stopped.unbalanced.length === 0
say(`a process stopped for ${seconds} s`, wentOn, stopped, `, ${stopped.adopted} adopted`)

const ended = await endWhileBusy({ timeoutMs: 5000 })
const inTime = ended.code === 0 && ended.seconds < 10 && ended.left === ended.carriedOver
say(
  'SIGTERM while the database hangs',
  isSound(ended) && inTime,
  ended,
  `, ended in ${ended.seconds.toFixed(1)} s, ${ended.carriedOver} sent by the next start`,
)
