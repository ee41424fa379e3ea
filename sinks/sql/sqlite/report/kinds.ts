import type { Kind } from '../../../../src/report/answers.ts'
import { countMembers } from '../../../../src/report/tally/json-members.ts'
import { fromPlain } from './labels.ts'
import { quote } from './own.ts'
import { parsed } from './rows.ts'
import { readSample, type Counted, type Told } from './sample.ts'
import type { Inspected } from './table.ts'

/** What texts tell of their column: SQLite's types don't say what a text is. */

const JSON_START = /^\s*[[{]/
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/

/** Texts of a column that are looked at, a window. */
const MAX_TEXTS = 5000

interface Texts {
  readonly texts: string[]
  json: number
  times: number
}

const addText = (of: Texts, text: string): void => {
  of.texts.push(text)
  if (JSON_START.test(text)) of.json++
  else if (TIME.test(text)) of.times++
}

const kindOf = ({ texts, json, times }: Texts): Kind => {
  if (texts.length === 0) return 'category'
  if (json === texts.length) return 'json'
  return times === texts.length ? 'time' : 'category'
}

const readTexts = (inspected: Inspected, counted: readonly Counted[], names: readonly string[]): Texts[] => {
  const found = names.map((): Texts => ({ texts: [], json: 0, times: 0 }))
  if (names.length === 0) return found
  const selects = names.map((name) => `cast(p.${quote(name)} as text)`)
  for (const window of counted) {
    const room = names.map(() => MAX_TEXTS)
    for (const raw of readSample(inspected, window, fromPlain(inspected), selects))
      for (let i = 0; i < names.length; i++) if (raw[i] !== null && room[i]!-- > 0) addText(found[i]!, raw[i] as string)
  }
  return found
}

/** The columns with what their values tell of their kinds; JSON columns of a table without a schema by their members. */
export const toldColumns = (inspected: Inspected, counted: readonly Counted[]): Told[] => {
  const unclear = inspected.columns.filter(({ kind }) => kind === undefined || kind === 'json')
  const texts = readTexts(
    inspected,
    counted,
    unclear.map(({ name }) => name),
  )
  const members = countMembers()
  const columns = inspected.columns.flatMap((column): Told[] => {
    const { name, role } = column
    const at = unclear.indexOf(column)
    if (at < 0) return [{ name, role, kind: column.kind! }]
    const kind = column.kind ?? kindOf(texts[at]!)
    if (kind !== 'json' || name !== (role === 'feature' ? 'features' : 'outputs')) return [{ name, role, kind }]
    for (const text of texts[at]!.texts) members.add(role, parsed(text))
    return []
  })
  return [...columns, ...members.members().map(({ name, role, path, kind }) => ({ name, role, kind, member: path }))]
}
