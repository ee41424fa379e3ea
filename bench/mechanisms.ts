/**
 * What each mechanism is worth that the sources have for speed or room: node bench/mechanisms.ts [name …]
 *
 * A copy of the sources without it is run in turns with one that has it. Medians are given; a ratio is the median of each round's own.
 * BENCH_ROUNDS (15), BENCH_WARM_UP (8): seconds of load before a server is measured. `--list` says the names.
 */
import { copySources } from './mechanisms/copies.ts'
import { type Mechanism, mechanisms } from './mechanisms/list.ts'
import type { Figures, Measure } from './mechanisms/measures.ts'
import { median } from './load.ts'

const figure = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))

/** The rounds of each copy, in turns. */
const roundsOf = async (measure: Measure, folders: readonly string[]): Promise<Figures[][]> => {
  const all: Figures[][] = folders.map(() => [])
  const runners = []
  try {
    for (const folder of folders) runners.push(await measure.start(folder))
    for (let round = -measure.warmUps; round < measure.rounds; round++)
      for (const [i, runner] of runners.entries()) {
        const figures = await runner.run()
        if (round >= 0) all[i]!.push(figures)
      }
  } finally {
    for (const runner of runners) await runner.stop()
  }
  return all
}

const row = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)

const compare = async (name: string, { without, measures }: Mechanism): Promise<void> => {
  const names = Object.keys(without)
  const folders = [copySources([]), ...Object.values(without).map(copySources)]
  for (const measure of measures) {
    const [given, ...others] = (await roundsOf(measure, folders)) as [Figures[], ...Figures[][]]
    for (const [i, rounds] of others.entries())
      for (const unit of Object.keys(given[0]!)) {
        const before = given.map((figures) => figures[unit]!)
        const after = rounds.map((figures) => figures[unit]!)
        const ratio = median(after.map((value, round) => value / before[round]!))
        const cells = [name, names[i]!, `${measure.name}: ${unit}`]
        row([...cells, figure(median(before)), figure(median(after)), ratio.toFixed(2)])
      }
  }
}

const named = process.argv.slice(2)
const unknown = named.filter((name) => name !== '--list' && !Object.hasOwn(mechanisms, name))
if (unknown.length > 0 || named.includes('--list')) {
  for (const name of unknown) console.error(`There is no mechanism ${name}`)
  console.log(Object.keys(mechanisms).join('\n'))
  process.exit(unknown.length > 0 ? 1 : 0)
}

row(['mechanism', 'without it', 'measured', 'with', 'without', 'without / with'])
row(['---', '---', '---', '--:', '--:', '--:'])
for (const name of named.length > 0 ? named : Object.keys(mechanisms)) await compare(name, mechanisms[name]!)
