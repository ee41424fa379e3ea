import type { PlannedColumn } from '../../../../src/report/answers.ts'
import { addCell, addToBin } from '../../../../src/report/tally/cells.ts'
import { addUnseen, type OpenGroup } from '../../../../src/report/tally/group.ts'
import { cellOf } from './fill.ts'
import { fromOf, valueOf } from '../rows.ts'
import type { Task } from '../sessions.ts'
import type { ReadSession } from '../words.ts'
import { slicesOf, type Asking } from './asking.ts'

/** A column of many categories: the database keeps those that are not named to itself, but for the greatest of the new ones. */

export const isFolded = ({ kind, unique, complete }: PlannedColumn): boolean =>
  kind === 'category' && !unique && !complete

const NAMED_UNSEEN = 10

/** Kinds of values: missing, named, another of the reference's, new. */
const [MISSING, NAMED, OTHER, UNSEEN] = [0, 1, 2, 3]

const foldColumn = async (session: ReadSession, asking: Asking, index: number): Promise<void> => {
  const { source, plan, known, isReference, tally, bindings, names } = asking
  const column = plan.columns[index]!
  const isOutput = column.role === 'output'
  const value = valueOf(source, column, bindings)
  const named = column.categories.map((name) => bindings.bind(name)).join(', ')
  const isNamed = column.categories.length === 0 ? '1 = 0' : `x in (${named})`
  const hasReference = !isReference && plan.reference !== undefined
  const reference = () =>
    `(select distinct ${value} as y from ${fromOf(source, plan, plan.reference!, bindings, { ids: known.reference?.ids, isOneModel: known.isOneModel })()} and ${value} is not null) k`
  const add = (group: OpenGroup, kind: number, name: unknown, sums: readonly number[]): void => {
    const open = group.columns[index]!
    const cell = cellOf(sums)
    if (kind === MISSING) return addCell(open.missing, cell)
    addCell(open.present, cell)
    const shape = open.shape!
    if (kind === NAMED) addToBin(shape.bins, column.categories.indexOf(String(name)), cell.n, cell.w, cell.w2)
    else addCell(kind === OTHER ? shape.other : shape.unseen, cell)
    if (kind === UNSEEN && name !== null) addUnseen(shape, String(name), cell)
  }
  const ask = async (key: string, groupOf: (key: unknown) => OpenGroup | undefined): Promise<void> => {
    const where = isOutput ? ` and ${names['f']} = 0` : ''
    const groups = `select ${names[key]} as g, ${value} as x, count(*) as n, sum(${names['w']}) as w, sum(${names['w']} * ${names['w']}) as w2 from ${asking.from()}${where} group by 1, 2`
    const isUnseen = hasReference ? `when y is null then ${UNSEEN}` : ''
    const told = `select g, x, n, w, w2, case when x is null then ${MISSING} when ${isNamed} then ${NAMED} ${isUnseen} else ${OTHER} end as kind from (${groups}) a${hasReference ? ` left join ${reference()} on k.y = a.x` : ''}`
    const ranked = `select t.*, row_number() over (partition by g, kind order by w desc, x) as place from (${told}) t`
    const name = `case when kind = ${NAMED} or (kind = ${UNSEEN} and place <= ${NAMED_UNSEEN}) then x end`
    const text = `select g, kind, name, sum(n), sum(w), sum(w2) from (select g, kind, ${name} as name, n, w, w2 from (${ranked}) r) f group by g, kind, name`
    for (const [g, kind, found, ...sums] of await session.query(bindings.finish(text))) {
      const group = groupOf(g)
      if (group) add(group, Number(kind), found, sums.map(Number))
    }
  }
  await ask('v', (v) => tally.version(asking.nameOf(v)))
  for (const { key, groupOf } of slicesOf(asking)) await ask(key, groupOf)
}

export const foldTasks = (asking: Asking): Task<void>[] =>
  [...asking.plan.columns.entries()].flatMap(([index, column]) =>
    isFolded(column) ? [(session: ReadSession) => foldColumn(session, asking, index)] : [],
  )
