import type {
  Kind,
  Progress,
  Role,
  Survey,
  SurveyedColumn,
  SurveyQuestion,
  Window,
} from '../../../src/report/answers.ts'
import { edgesOfQuantiles, edgesOfValues, isUnique } from '../../../src/report/tally/survey.ts'
import type { Known } from './answer.ts'
import { expectNames } from './columns.ts'
import type { IdRange } from './labels.ts'
import { membersOf } from './members.ts'
import {
  conditionOf,
  comparedIds,
  idOf,
  isFinite,
  isNumeric,
  textOf,
  valueOf,
  versionOf,
  weightOf,
  type ReportSource,
  type Valued,
} from './rows.ts'
import { newBindings, type Bindings, type ReadSession } from './words.ts'

/** The first pass: what there is. */

/** Rows of a window that columns are judged by. All of them are read where there are fewer. */
const SAMPLE = 20_000
const MAX_GROUPS = 20
const MAX_CATEGORIES = 50
const MAX_VALUES = 101

interface Counted {
  readonly window: Window
  readonly bindings: Bindings
  /** `table p where …` */
  readonly from: string
  readonly rows: number
  readonly extra: number
  readonly isWeighted: boolean
  readonly ids: IdRange | undefined
  /** Rows by model and by version. */
  readonly models: ReadonlyMap<string, number>
  readonly versions: ReadonlyMap<string, number>
}

const countRows = async (
  session: ReadSession,
  source: ReportSource,
  question: SurveyQuestion,
  window: Window,
): Promise<Counted> => {
  const bindings = newBindings(source.words.placeholder)
  const from = `${source.name} p where ${conditionOf(source, question, window, bindings)}`
  const { extra } = source.table.own
  const w = weightOf(source)
  const id = source.words.idText(idOf(source))
  const model =
    source.table.own.model === undefined ? "''" : `coalesce(p.${source.words.quote(source.table.own.model)}, '')`
  const sums = `count(*), ${extra === undefined ? '0' : `count(p.${source.words.quote(extra)})`}, sum(case when ${w} <> 1 then 1 else 0 end), min(${id}), max(${id})`
  const text = `select ${model} as m, ${versionOf(source)} as v, ${sums} from ${from} group by ${model}, ${versionOf(source)}`
  const total = { rows: 0, extra: 0, weighted: 0 }
  const [models, versions] = [new Map<string, number>(), new Map<string, number>()]
  let ids: IdRange | undefined
  for (const [name, version, rows, extras, weighted, first, last] of await session.query(bindings.finish(text))) {
    total.rows += Number(rows)
    total.extra += Number(extras)
    total.weighted += Number(weighted)
    models.set(String(name), (models.get(String(name)) ?? 0) + Number(rows))
    versions.set(String(version), (versions.get(String(version)) ?? 0) + Number(rows))
    if (typeof first !== 'string' || typeof last !== 'string') continue
    ids = ids
      ? { first: first < ids.first ? first : ids.first, last: last > ids.last ? last : ids.last }
      : { first, last }
  }
  return {
    window,
    bindings,
    from,
    rows: total.rows,
    extra: total.extra,
    isWeighted: total.weighted > 0,
    ids,
    models,
    versions,
  }
}

/** Those of the most rows first, in all windows together. */
const topOf = (counts: readonly ReadonlyMap<string, number>[], limit: number): string[] => {
  const all = new Map<string, number>()
  for (const [name, rows] of counts.flatMap((each) => [...each])) all.set(name, (all.get(name) ?? 0) + rows)
  return [...all]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([name]) => name)
}

/** Values of an expression in some windows, those of the most rows first. */
const mostFrequent = async (
  session: ReadSession,
  counted: readonly Counted[],
  expression: (bindings: Bindings) => string,
  limit: number,
): Promise<string[]> => {
  const found = new Map<string, number>()
  for (const { bindings, from } of counted) {
    const text = `select ${expression(bindings)} as x, count(*) as n from ${from} group by 1 order by n desc limit ${limit * 5}`
    for (const [value, rows] of await session.query(bindings.finish(text)))
      found.set(String(value ?? ''), (found.get(String(value ?? '')) ?? 0) + Number(rows))
  }
  const sorted = [...found].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return sorted.slice(0, limit).map(([value]) => value)
}

/** The same rows at each run, spread over all by a hash of their ids. */
const sampledFrom = (source: ReportSource, { from, rows }: Counted): string =>
  rows <= SAMPLE ? from : `${from} and ${source.words.sample(idOf(source), SAMPLE / rows)}`

type Candidate = Valued & { readonly kind: Kind; readonly role: Role }

const candidatesOf = async (
  session: ReadSession,
  source: ReportSource,
  counted: readonly Counted[],
): Promise<Candidate[]> => {
  const columns = source.table.columns.map(({ name, role, kind }) => ({ name, role, kind: kind ?? 'category' }))
  const whole = columns.filter(
    ({ name, role, kind }) => kind === 'json' && name === (role === 'feature' ? 'features' : 'outputs'),
  )
  if (whole.length === 0) return columns
  const samples = counted.map((window) => ({ bindings: window.bindings, from: sampledFrom(source, window) }))
  const members = await membersOf(session, source, whole, samples)
  const expanded = new Set(members.map(({ role }) => role))
  return [
    ...columns.filter((column) => !whole.includes(column) || !expanded.has(column.role)),
    ...members.map(({ name, role, kind, path }) => ({ name, role, kind, member: path })),
  ]
}

interface Bounds {
  readonly present: number
  readonly min: number | undefined
  readonly max: number | undefined
  readonly hasNonFinite: boolean
}

const AT_ONCE = 50

/** How many values each column has in a window; of numbers the least and the greatest finite one. */
const boundsOf = async (
  session: ReadSession,
  source: ReportSource,
  candidates: readonly Candidate[],
  { bindings, from }: Counted,
): Promise<Bounds[]> => {
  const found: Bounds[] = []
  for (let first = 0; first < candidates.length; first += AT_ONCE) {
    const selects = candidates.slice(first, first + AT_ONCE).flatMap((column) => {
      const value = valueOf(source, column, bindings)
      if (!isNumeric(column.kind)) return [`count(${value})`, '0', '0', '0']
      const finite = isFinite(source, column, value)
      const kept = finite === undefined ? value : `case when ${finite} then ${value} end`
      return [
        `count(${value})`,
        `min(${kept})`,
        `max(${kept})`,
        finite === undefined ? `count(${value})` : `count(${kept})`,
      ]
    })
    const [row = []] = await session.query(bindings.finish(`select ${selects.join(', ')} from ${from}`))
    for (let at = 0; at < row.length; at += 4) {
      const [present, min, max, finite] = row.slice(at, at + 4)
      const number = (value: unknown) => (value === null ? undefined : Number(value))
      found.push({
        present: Number(present),
        min: number(min),
        max: number(max),
        hasNonFinite: Number(finite) < Number(present),
      })
    }
  }
  return found
}

/** What a sample says of a column. */
interface Sampled {
  distinct: number
  sampled: number
  whole: boolean
  readonly values: number[]
  readonly quantiles: number[]
  readonly categories: string[]
}

/** What is asked of a sample of rows, each a row of the column's number, what it is, a number, a text. `sample` has the value as `x`, its weight as `w`. */
const questionsOf = (kind: Kind, index: number, sample: string, noText: string): string[] => {
  const there = `${sample} where x is not null`
  if (!isNumeric(kind))
    return [
      `select ${index} as i, 'n' as what, count(x) * 1.0 as number, ${noText} as txt from ${sample}`,
      `select ${index} as i, 'd' as what, count(distinct x) * 1.0 as number, ${noText} as txt from ${sample}`,
      `select ${index} as i, 'c' as what, number, txt from (select x as txt, sum(w) as number from ${there} group by x order by 2 desc, 1 limit ${MAX_CATEGORIES}) z`,
    ]
  return [
    `select ${index} as i, 'n' as what, count(x) * 1.0 as number, ${noText} as txt from ${sample}`,
    `select ${index} as i, 'd' as what, count(distinct x) * 1.0 as number, ${noText} as txt from ${sample}`,
    `select ${index} as i, 'f' as what, count(*) * 1.0 as number, ${noText} as txt from ${there} and x <> floor(x)`,
    `select ${index} as i, 'v' as what, number, ${noText} as txt from (select distinct x as number from ${there} order by 1 limit ${MAX_VALUES}) z`,
    `select ${index} as i, 'q' as what, min(x) as number, ${noText} as txt from (select x, floor((row_number() over (order by x) - 1) * 100.0 / count(*) over ()) as k from ${there}) z where k > 0 group by k`,
  ]
}

const newSampled = (): Sampled => ({ distinct: 0, sampled: 0, whole: true, values: [], quantiles: [], categories: [] })

const addAnswer = (sampled: Sampled, what: string, number: number, text: string): void => {
  if (what === 'n') sampled.sampled = number
  else if (what === 'd') sampled.distinct = number
  else if (what === 'f') sampled.whole = number === 0
  else if (what === 'v') sampled.values.push(number)
  else if (what === 'q') sampled.quantiles.push(number)
  else sampled.categories.push(text)
}

/** What a value has to be asked for as, so that the sample has finite numbers and texts. */
const sampledValue = (source: ReportSource, column: Candidate, bindings: Bindings): string => {
  const value = valueOf(source, column, bindings)
  const finite = isNumeric(column.kind) ? isFinite(source, column, value) : undefined
  return finite === undefined ? value : `case when ${finite} then ${value} end`
}

/** Asks about values in a sample of rows: all in one statement where the database keeps the sample, else each for itself. */
const askSample = async (
  session: ReadSession,
  source: ReportSource,
  bindings: Bindings,
  rows: string,
  values: readonly { readonly kind: Kind; readonly value: string }[],
  w = weightOf(source),
): Promise<Sampled[]> => {
  const { words } = source
  const found = values.map(newSampled)
  const questions = values.flatMap(({ kind, value }, index) => {
    if (kind === 'json') return []
    const sample = words.sharedSample
      ? `(select x${index} as x, w from s) y`
      : `(select ${value} as x, ${w} as w from ${rows}) y`
    return questionsOf(kind, index, sample, words.noText)
  })
  if (questions.length === 0) return found
  const selects = [
    ...values.map(({ value, kind }, index) => (kind === 'json' ? undefined : `${value} as x${index}`)),
    `${w} as w`,
  ]
  const statements = words.sharedSample
    ? [
        `with s as materialized (select ${selects.filter((select) => select !== undefined).join(', ')} from ${rows}) ${questions.map((question) => `(${question})`).join(' union all ')}`,
      ]
    : questions
  for (const statement of statements)
    for (const [index, what, number, text] of await session.query(bindings.finish(statement)))
      addAnswer(found[Number(index)]!, String(what), Number(number), String(text))
  return found
}

const sampleColumns = async (
  session: ReadSession,
  source: ReportSource,
  candidates: readonly Candidate[],
  counted: Counted,
): Promise<Sampled[]> => {
  const rows = sampledFrom(source, counted)
  const found: Sampled[] = []
  for (let first = 0; first < candidates.length; first += AT_ONCE) {
    const part = candidates.slice(first, first + AT_ONCE)
    const values = part.map((column) => ({ kind: column.kind, value: sampledValue(source, column, counted.bindings) }))
    found.push(...(await askSample(session, source, counted.bindings, rows, values)))
  }
  return found
}

const surveyed = (
  column: Candidate,
  { distinct, sampled, whole, values, quantiles, categories }: Sampled,
  { present, min, max }: Bounds,
): SurveyedColumn => {
  const { name, role, kind, member } = column
  const known = { name, role, kind, ...(member && { member }), present }
  if (kind === 'json') return { ...known, distinct: 0, unique: false, whole: false }
  if (!isNumeric(kind))
    return {
      ...known,
      distinct: Math.min(distinct, MAX_VALUES),
      unique: isUnique(distinct, sampled),
      whole: false,
      categories,
    }
  const counts = { ...known, distinct: Math.min(distinct, MAX_VALUES), unique: false }
  if (min === undefined || max === undefined) return { ...counts, whole: false }
  const edges =
    distinct < MAX_VALUES - 1
      ? edgesOfValues(values, min, max)
      : edgesOfQuantiles(
          quantiles.toSorted((a, b) => a - b),
          min,
          max,
        )
  return { ...counts, whole, min, max, edges }
}

/** The sampled predictions with their actuals `a`, by the prediction's id or by that of the request; corrections too. */
const joinedWithActuals = (source: ReportSource, counted: Counted, byRequest: boolean): string => {
  const { words, actuals, table } = source
  const { ids, bindings, rows: count, models } = counted
  const { ofRow, ofActual } = comparedIds(source)
  // Of one model alone all actuals of the window's ids are its own: no join is needed to tell.
  if (!byRequest && ids && models.size === 1) {
    const range = `${ofActual} between ${bindings.bind(ids.first)} and ${bindings.bind(ids.last)}`
    const share = count <= SAMPLE ? '' : ` and ${words.sample(ofActual, SAMPLE / count)}`
    return `${actuals!.name} a where ${range}${share}`
  }
  const rows = sampledFrom(source, counted)
  const on = byRequest
    ? `a.${actuals!.own('prediction_id')} is null and a.${actuals!.own('request_id')} = p.${words.quote(table.own.request_id!)}`
    : `${ofActual} = ${ofRow}`
  return rows.replace(' p where ', () => ` p join ${actuals!.name} a on ${on} where `)
}

const surveyLabel = async (
  session: ReadSession,
  source: ReportSource,
  label: string,
  rows: string,
  bindings: Bindings,
): Promise<SurveyedColumn | undefined> => {
  const { words, actuals } = source
  const type = actuals!.labels.get(label) ?? ''
  const stored = words.kindOf(type) ?? 'category'
  const column = `a.${words.quote(label)}`
  const kind = stored === 'json' ? await jsonKind(session, source, column, rows, bindings) : stored
  if (kind === undefined || kind === 'json' || kind === 'time') return undefined
  const value =
    stored === 'json'
      ? words.member(column, [], kind, bindings)
      : isNumeric(kind)
        ? words.number(column, kind, type)
        : words.text(column, kind, type)
  const [sampled] = await askSample(session, source, bindings, rows, [{ kind, value }], '1')
  if (!sampled || sampled.sampled === 0) return undefined
  const all = [...sampled.values, ...sampled.quantiles]
  const bounds = {
    present: sampled.sampled,
    min: all.length > 0 ? Math.min(...all) : undefined,
    max: all.length > 0 ? Math.max(...all) : undefined,
    hasNonFinite: false,
  }
  return surveyed({ name: label, role: 'output', kind, ...(stored === 'json' && { member: [] }) }, sampled, bounds)
}

/** Labels of the predictions that are sampled. */
const surveyLabels = async (
  session: ReadSession,
  source: ReportSource,
  counted: readonly Counted[],
  byRequest: boolean,
): Promise<SurveyedColumn[]> => {
  const ways = byRequest && source.table.own.request_id !== undefined ? [false, true] : [false]
  const found: SurveyedColumn[] = []
  for (const label of source.actuals?.labels.keys() ?? []) {
    const seen: SurveyedColumn[] = []
    for (const window of counted)
      for (const way of ways) {
        const rows = joinedWithActuals(source, window, way)
        const column = await surveyLabel(session, source, label, rows, window.bindings)
        if (column) seen.push(column)
      }
    if (seen.length > 0) found.push(seen.reduce(both))
  }
  return found
}

/** A label in two windows: its classes are those of both. */
const both = (a: SurveyedColumn, b: SurveyedColumn): SurveyedColumn => {
  const categories = [...new Set([...(a.categories ?? []), ...(b.categories ?? [])])]
  const edges = [...new Set([...(a.edges ?? []), ...(b.edges ?? [])])].sort((x, y) => x - y)
  return {
    ...a,
    distinct: Math.min(
      MAX_VALUES,
      Math.max(
        a.distinct,
        b.distinct,
        categories.length,
        a.distinct < MAX_VALUES && b.distinct < MAX_VALUES ? edges.length : 0,
      ),
    ),
    whole: a.whole && b.whole,
    present: a.present + b.present,
    ...(a.categories && { categories: categories.slice(0, MAX_CATEGORIES) }),
    ...(edges.length > 0 && { edges: [...edges, edges.at(-1)!], min: edges[0]!, max: edges.at(-1)! }),
  }
}

/** Of a label that is JSON: what most of its values are. */
const jsonKind = async (
  session: ReadSession,
  source: ReportSource,
  column: string,
  from: string,
  bindings: Bindings,
): Promise<Kind | undefined> => {
  const kinds = await session.query(
    bindings.finish(
      `select kind, count(*) as n from (select ${source.words.jsonKind(column)} as kind from ${from} limit 10000) z where kind is not null group by kind order by n desc limit 1`,
    ),
  )
  return kinds[0]?.[0] as Kind | undefined
}

const tagNames = async (session: ReadSession, source: ReportSource, { bindings, from }: Counted): Promise<string[]> => {
  const { tags } = source.table.own
  if (tags === undefined) return []
  const column = `p.${source.words.quote(tags)}`
  const rows = await session.query(
    bindings.finish(source.words.memberNames(column, `${from} and ${column} is not null`)),
  )
  return rows.map(([name]) => String(name))
}

const expectKnownNames = async (
  session: ReadSession,
  source: ReportSource,
  { where, by, current }: SurveyQuestion,
  question: SurveyQuestion,
): Promise<void> => {
  const given = [...where.map(({ name }) => name), ...by]
  const { names } = source.table
  if (given.every((name) => names.includes(name))) return
  const bindings = newBindings(source.words.placeholder)
  const from = `${source.name} p where ${conditionOf(source, { ...question, where: [] }, current, bindings)}`
  const tags = await tagNames(session, source, { bindings, from } as Counted)
  expectNames(
    '--where',
    where.map(({ name }) => name),
    names,
    tags,
  )
  expectNames('--by', by, names, tags)
}

export const survey = async (
  sessions: readonly ReadSession[],
  source: ReportSource,
  question: SurveyQuestion,
  progress: Progress,
): Promise<{ survey: Survey; known: Known }> => {
  const [first] = sessions
  const second = sessions[1] ?? first
  const session = first!
  const say = (share: number) => progress(share, 'looking at what there is')
  await expectKnownNames(session, source, question, question)
  const current = await countRows(session, source, question, question.current)
  const reference = question.reference && (await countRows(session, source, question, question.reference))
  const counted = reference ? [reference, current] : [current]
  say(0.2)
  const candidates = await candidatesOf(session, source, counted)
  const judged = reference && reference.rows > 0 ? reference : current
  // On two connections, both halves at once.
  const [bounds, samples] = await Promise.all([
    boundsOf(session, source, candidates, judged),
    second === session ? undefined : sampleColumns(second!, source, candidates, judged),
  ])
  const sampled = samples ?? (await sampleColumns(session, source, candidates, judged))
  say(0.6)
  // What only the current window has: a column that came later.
  const late = judged === current ? [] : candidates.filter((_, index) => bounds[index]!.present === 0)
  const lateBounds = late.length > 0 ? await boundsOf(session, source, late, current) : []
  const lateSamples = late.length > 0 ? await sampleColumns(session, source, late, current) : []
  // Whether the current window has such values is not looked for: it costs less to expect them.
  const expected = judged === current ? [] : candidates.filter(({ kind }) => isNumeric(kind))
  say(0.8)
  const byRequest = source.actuals !== undefined && (await hasActualsByRequest(session, source))
  const columns = candidates.map((column, index) => {
    const at = late.indexOf(column)
    return at >= 0 && lateBounds[at]!.present > 0
      ? surveyed(column, lateSamples[at]!, lateBounds[at]!)
      : surveyed(column, sampled[index]!, bounds[index]!)
  })
  return {
    survey: {
      columns,
      models:
        source.table.own.model === undefined
          ? []
          : topOf(
              counted.map(({ models }) => models),
              100,
            ),
      versions: topOf(
        counted.map(({ versions }) => versions),
        MAX_GROUPS,
      ),
      by: await Promise.all(
        question.by.map(async (name) => ({
          name,
          values: await mostFrequent(session, [current], (bindings) => textOf(source, name, bindings), MAX_GROUPS),
        })),
      ),
      current: current.rows,
      reference: reference?.rows ?? 0,
      extra: current.extra + (reference?.extra ?? 0),
      hasActuals: source.actuals !== undefined,
      labels: source.actuals ? await surveyLabels(session, source, counted, byRequest) : [],
    },
    known: {
      isWeighted: counted.some(({ isWeighted }) => isWeighted),
      nonFinite: new Set(
        [...candidates.filter((_, index) => bounds[index]!.hasNonFinite), ...expected].map(({ name }) => name),
      ),
      ids: new Map(counted.flatMap(({ window, ids }) => (ids ? [[window.since.getTime(), ids] as const] : []))),
      byRequest,
      hasExtra: current.extra + (reference?.extra ?? 0) > 0,
    },
  }
}

const hasActualsByRequest = async (session: ReadSession, { actuals }: ReportSource): Promise<boolean> => {
  const { name, own } = actuals!
  const text = `select 1 from ${name} a where a.${own('prediction_id')} is null and a.${own('request_id')} is not null limit 1`
  return (await session.query({ sql: text, values: [] })).length > 0
}
