import { isUsable } from '../../../../src/report/usable.ts'
import { isNumeric, usableTest, valueOf, type From, type Valued } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import type { Bindings, ReadSession } from '../words.ts'

/** What all rows of a window say of a column. */
export interface Bounds {
  /** How many values there are. */
  readonly present: number
  /** Of numbers the least and the greatest finite one. */
  readonly min: number | undefined
  readonly max: number | undefined
}

/** Columns whose bounds one statement takes: more would make it long. */
export const AT_ONCE = 50

type Condition = (column: Valued, value: string) => string | undefined

/** @param isKept what numbers count; undefined: all */
export const boundSums = (
  source: ReportSource,
  columns: readonly Valued[],
  bindings: Bindings,
  isKept: Condition = () => undefined,
): string[] =>
  columns.flatMap((column) => {
    const value = valueOf(source, column, bindings)
    if (!isNumeric(column.kind)) return [`count(${value})`, 'null', 'null']
    const condition = isKept(column, value)
    const kept = condition === undefined ? value : `case when ${condition} then ${value} end`
    return [`count(${value})`, `min(${kept})`, `max(${kept})`]
  })

const numberOf = (value: unknown): number | undefined => (value === null ? undefined : Number(value))

/** The bounds in a row of sums; in several rows, those of all. */
export const boundsIn = (rows: readonly (readonly unknown[])[], count: number): Bounds[] =>
  Array.from({ length: count }, (_, index) => {
    const found = rows.map((row) => row.slice(index * 3, index * 3 + 3).map(numberOf))
    const [mins, maxs] = [1, 2].map((at) => found.flatMap((each) => each[at] ?? []))
    return {
      present: found.reduce((sum, [present = 0]) => sum + present, 0),
      min: mins!.length === 0 ? undefined : Math.min(...mins!),
      max: maxs!.length === 0 ? undefined : Math.max(...maxs!),
    }
  })

/** Others are among the least or the greatest numbers. */
export const hasUnusable = ({ min = 0, max = 0 }: Bounds): boolean => !isUsable(min) || !isUsable(max)

/** What is known of a window's columns already. */
interface Looked {
  readonly bindings: Bindings
  readonly from: From
  /** By name. */
  readonly bounds: ReadonlyMap<string, Bounds>
}

/** The bounds of columns and members: of the usable numbers alone where there are others. */
export const boundsOf = async (
  session: ReadSession,
  source: ReportSource,
  columns: readonly Valued[],
  { bindings, from, bounds }: Looked,
): Promise<Bounds[]> => {
  const ask = async (asked: readonly Valued[], isKept?: Condition): Promise<Map<Valued, Bounds>> => {
    const found = new Map<Valued, Bounds>()
    for (let first = 0; first < asked.length; first += AT_ONCE) {
      const part = asked.slice(first, first + AT_ONCE)
      const sums = boundSums(source, part, bindings, isKept).join(', ')
      const rows = await session.query(bindings.finish(`select ${sums} from ${from()}`))
      for (const [index, each] of boundsIn(rows, part.length).entries()) found.set(part[index]!, each)
    }
    return found
  }
  const known = ({ name, member }: Valued) => (member ? undefined : bounds.get(name))
  const all = await ask(columns.filter((column) => !known(column)))
  const boundsAt = (column: Valued) => known(column) ?? all.get(column)!
  const usable = await ask(
    columns.filter((column) => hasUnusable(boundsAt(column))),
    (column, value) => usableTest(source, column, value),
  )
  return columns.map((column) => usable.get(column) ?? boundsAt(column))
}
