import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { shownDefault } from '../src/cli/variables.ts'
import { table, type Setting } from '../src/config/table.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

const settings = Object.values(table as Readonly<Record<string, Setting<unknown>>>).filter(({ variable }) => variable)
const known = new Map(settings.map((setting) => [setting.variable as string, setting]))

/** The README's rows: a cell of variables, a cell of their defaults. */
const documented = readme
  .split('\n')
  .filter((line) => line.startsWith('| `PREDICTIONS_'))
  .flatMap((line) => {
    const [names, defaults] = line.split('|').slice(1, 3) as [string, string]
    const values = defaults.split(/[,;] /).map((value) => value.replaceAll('`', '').trim())
    return names
      .trim()
      .split(', ')
      .map((name, i) => [name.replaceAll('`', ''), values[i]!] as const)
  })

/** Variables that belong to one sink stand in its row, by their ends: `PREDICTIONS_KAFKA_SASL_MECHANISM`, `_USERNAME`. */
const ofSinks = readme.split('\n').flatMap((line) => {
  const group = /`(PREDICTIONS_(?:ELASTICSEARCH|KAFKA))_/.exec(line)?.[1]
  if (group === undefined || !line.startsWith('| `')) return []
  return [...line.matchAll(/`(?:PREDICTIONS_[A-Z]+)?(_[A-Z_]+)`|`(PREDICTIONS_[A-Z_]+)`/g)].map(([, end, whole]) =>
    end === undefined ? whole! : group + end.replace(/^_(API_KEY|SASL_MECHANISM)$/, '_$1'),
  )
})

it('the README lists every variable, and no other', () => {
  const names = [...documented.map(([name]) => name), ...ofSinks]
  expect(names.sort()).toEqual([...known.keys()].sort())
})

it.each(documented)('the README says the default of %s', (name, said) => {
  const value = shownDefault(known.get(name)!) || (name === 'PREDICTIONS_MODEL_VERSION' ? 'empty' : 'none')
  expect(said.replace(/^your /, 'the ')).toBe(value)
})
