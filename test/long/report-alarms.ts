import { argv } from 'node:process'
import { judge } from '../../src/report/judge.ts'
import type { Finding } from '../../src/report/result.ts'
import { seeded } from '../report/random.ts'
import { simulate, type Weighting } from '../report/simulate.ts'

/**
 * How often a report of two windows without drift says that there is some, and how often it finds a shift of half a standard deviation in one
 * of ten features. Fails above 5 % of reports with a finding of drift at warn, 1 % at alert, or below 95 % found.
 *
 *     node test/long/report-alarms.ts [PAIRS, default 1,000] [SEED, default 1]
 */
const pairs = Number(argv[2] ?? 1000)
const seed = Number(argv[3] ?? 1)

/** Rows of the current window, and of the reference. */
const SIZES = [
  [150, 150],
  [1_000, 1_000],
  [20_000, 20_000],
  [1_000_000, 1_000_000],
  [500, 1_000_000],
  [1_000_000, 500],
  [3_000, 100_000],
] as const
const WEIGHTINGS: readonly Weighting[] = ['none', 'at random', 'by value']

const isLoud = ({ severity }: Finding): boolean => severity !== 'info'
const percent = (count: number): string => `${((100 * count) / pairs).toFixed(1)} %`
let failed = false

const check = (ok: boolean): string => {
  if (!ok) failed = true
  return ok ? '' : '  TOO MANY'
}

console.log(
  '| rows now | in the reference | weights | drift at warn | drift at alert | any finding at warn | a shift of 0.5 sd is found |',
)
console.log('|---|---|---|---|---|---|---|')
for (const [n, m] of SIZES) {
  for (const weighting of WEIGHTINGS) {
    const random = seeded(seed * 7919 + n + 3 * m + WEIGHTINGS.indexOf(weighting))
    const found = { warn: 0, alert: 0, any: 0, shift: 0 }
    for (let pair = 0; pair < pairs; pair++) {
      const findings = judge(simulate(random, { n, m, weighting })).findings.filter(isLoud)
      const drift = findings.filter(({ kind }) => kind === 'drift')
      if (drift.length > 0) found.warn++
      if (drift.some(({ severity }) => severity === 'alert')) found.alert++
      if (findings.length > 0) found.any++
      const { columns } = judge(simulate(random, { n, m, weighting, shift: 0.5 }))
      if (columns['normal']!.drift?.drifted) found.shift++
    }
    const alarms = check(found.warn <= pairs * 0.05 && found.alert <= pairs * 0.01)
    const power = check(Math.min(n, m) < 1000 || weighting !== 'none' || found.shift >= pairs * 0.95)
    const cells = [n.toLocaleString('en'), m.toLocaleString('en'), weighting, ...Object.values(found).map(percent)]
    console.log(`| ${cells.join(' | ')} |${alarms}${power}`)
  }
}
process.exitCode = failed ? 1 : 0
