import type { Kind, SurveyedColumn } from '../../../../src/report/answers.ts'
import { comparedIds, isNumeric, usableTestOf } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import type { Bindings, ReadSession } from '../words.ts'
import type { Counted } from './count.ts'
import { askSample, sampledFrom, sampleOf } from './sample.ts'
import { both, surveyed } from './surveyed.ts'

/** What the actuals of sampled predictions say of their labels. */

/** The sampled predictions with their actuals `a`, by the prediction's id or by that of the request; corrections too. */
const joinedWithActuals = (source: ReportSource, counted: Counted, byRequest: boolean): string => {
  const { words, actuals, table } = source
  const { ids, bindings, rows, models } = counted
  const { ofRow, ofActual, type } = comparedIds(source)
  // Of one model alone all actuals of the window's ids are its own: no join is needed to tell.
  if (!byRequest && ids && models.size === 1)
    return `${actuals!.name} a where ${ofActual} between ${bindings.bind(ids.first)} and ${bindings.bind(ids.last)}${sampleOf(source, ofActual, type, rows)}`
  const on = byRequest
    ? `a.${actuals!.own('prediction_id')} is null and a.${actuals!.own('request_id')} = p.${words.quote(table.own.request_id!)}`
    : `${ofActual} = ${ofRow}`
  return sampledFrom(source, counted, ` join ${actuals!.name} a on ${on}`)
}

/** Of a label that is JSON: what most of its values are. */
const jsonKind = async (
  session: ReadSession,
  { words }: ReportSource,
  column: string,
  rows: string,
  bindings: Bindings,
): Promise<Kind | undefined> => {
  const kinds = `select ${words.jsonKind(column)} as kind from ${rows} limit 10000`
  const [first] = await session.query(
    bindings.finish(
      `select kind, count(*) as n from (${kinds}) z where kind is not null group by kind order by n desc limit 1`,
    ),
  )
  return first?.[0] as Kind | undefined
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
  const column = `a.${words.quote(label)}`
  const stored = words.kindOf(type) ?? 'category'
  const isJson = stored === 'json'
  const kind = isJson ? await jsonKind(session, source, column, rows, bindings) : stored
  if (kind === undefined || kind === 'json' || kind === 'time') return undefined
  const value = isJson
    ? words.member(column, [], kind, bindings)
    : isNumeric(kind)
      ? words.number(column, kind, type)
      : words.text(column, kind, type)
  const usable = isNumeric(kind) ? usableTestOf(source, isJson ? 'json' : type, value) : undefined
  const asked = { kind, value: usable === undefined ? value : `case when ${usable} then ${value} end` }
  const [sampled] = await askSample(session, bindings, rows, [asked], '1')
  if (!sampled || sampled.sampled === 0) return undefined
  const { min, max, sampled: present } = sampled
  return surveyed({ name: label, role: 'output', kind, ...(isJson && { member: [] }) }, sampled, { present, min, max })
}

/** @param byRequest whether there are actuals that name a request alone */
export const surveyLabels = async (
  session: ReadSession,
  source: ReportSource,
  counted: Counted,
  byRequest: boolean,
): Promise<SurveyedColumn[]> => {
  const ways = byRequest && source.table.own.request_id !== undefined ? [false, true] : [false]
  const found: SurveyedColumn[] = []
  for (const label of source.actuals?.labels.keys() ?? [])
    for (const way of ways) {
      const rows = joinedWithActuals(source, counted, way)
      const column = await surveyLabel(session, source, label, rows, counted.bindings)
      if (column) found.push(column)
    }
  return found
}

/** The labels of several windows, each once, in the table's order. */
export const labelsOfAll = (source: ReportSource, labels: readonly SurveyedColumn[]): SurveyedColumn[] =>
  [...(source.actuals?.labels.keys() ?? [])].flatMap((name) => {
    const seen = labels.filter((label) => label.name === name)
    return seen.length === 0 ? [] : [seen.reduce(both)]
  })
