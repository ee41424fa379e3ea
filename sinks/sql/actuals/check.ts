import type { ActualsStore, DayOfVersion } from '../../../src/actuals/check/answers.ts'
import { PredictionsError } from '../../../src/errors/errors.ts'
import { columnNamed } from './columns.ts'
import { joinedColumns, labelledQuery, type LabelledTables, type ViewColumn, type ViewDialect } from '../labelled.ts'
import { newBindings, type Bindings, type ReadSession, type Words } from '../report/words.ts'

/** What is needed of a database's SQL, where the databases differ. */
export interface CheckWords
  extends Pick<Words, 'quote' | 'placeholder' | 'instant' | 'secondsBetween' | 'idText'>, Pick<ViewDialect, 'alike' | 'unindexed'> {
  /** A timestamp's day in UTC: `2026-11-23`. */
  dayOf(timestamp: string): string
} // prettier-ignore

export interface CheckOptions {
  readonly name: string
  readonly address: string
  readonly table: string
  readonly actualsTable: string
  readonly words: CheckWords
  quoted(name: string): string
  columnsOf(session: ReadSession, which: 'predictions' | 'actuals'): Promise<readonly ViewColumn[]>
  open(): Promise<{ readonly sessions: readonly ReadSession[] }>
  failed(error: unknown): PredictionsError
}

/** Ids that are read at once. */
const PAGE = 5000
/** Ids in one statement. */
const LIST = 500

const numberOf = (value: unknown): number => Number(value)
const secondsOf = (value: unknown): number | null => (value === null ? null : Math.max(0, Number(value)))

/** A driver's timestamp: a Date, or a text in UTC. */
const dateOf = (value: unknown): Date | undefined => {
  if (value === null || value === undefined) return undefined
  if (value instanceof Date) return value
  return new Date(`${String(value).replace(' ', 'T').replace(/Z$/, '').slice(0, 23)}Z`)
}

/** A question as it is written: what it is about, and what it may say. */
interface Asking extends ReturnType<typeof joinedColumns> {
  readonly tables: LabelledTables
  readonly bindings: Bindings
}

type RequestKey = readonly [requestId: string, instance: number]

/** A table of predictions and one of actuals, asked by SQL. Nothing but ids is read of rows; counts and lags are made there. */
export const checkStore = (options: CheckOptions): ActualsStore => {
  const { words } = options
  const { quote } = words
  const [predictionsTable, actualsTable] = [options.quoted(options.table), options.quoted(options.actualsTable)]
  let opened: ReturnType<CheckOptions['open']> | undefined
  let known: Promise<LabelledTables> | undefined

  const session = async (): Promise<ReadSession> => (await (opened ??= options.open())).sessions[0]!

  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      throw options.failed(error)
    }
  }

  const readTables = async (): Promise<LabelledTables> => {
    const asked = await session()
    const predictions = await options.columnsOf(asked, 'predictions')
    if (predictions.length === 0)
      throw new PredictionsError(
        'PREDICTIONS_BAD_CONFIGURATION',
        `${options.address} has no table ${JSON.stringify(options.table)} that this user may see: name it by --table or PREDICTIONS_TABLE`,
      )
    const actuals = await options.columnsOf(asked, 'actuals')
    return {
      predictions: { table: predictionsTable, columns: predictions },
      actuals: { table: actualsTable, columns: actuals },
    }
  }
  const tables = (): Promise<LabelledTables> => (known ??= readTables())

  const ask = (write: (asking: Asking) => string) =>
    guarded(async () => {
      const bindings = newBindings(words.placeholder)
      const asked = await tables()
      const text = write({ tables: asked, bindings, ...joinedColumns(asked, words) })
      return (await session()).query(bindings.finish(text))
    })

  /** Reported from a time on, and not taken back later. */
  const stands = (since: Date, isSame: string, { a, isLater, bindings }: Asking): string =>
    [
      `${a('a', 'reported_at')} >= ${words.instant(since, bindings)}`,
      `(${a('a', 'retracted')} is null or not ${a('a', 'retracted')})`,
      `not exists (select 1 from ${actualsTable} b where ${isSame} and ${a('b', 'retracted')} and ${isLater('b', 'a')})`,
    ].join(' and ')

  const daysQuery = ({ tables, bindings }: Asking, since: Date): string => {
    const of = (name: string) => columnNamed(tables.predictions.columns, name)?.name
    const [timestamp = 'timestamp', version] = [of('timestamp'), of('model_version')]
    const shown = [
      { name: timestamp, from: 'prediction', column: timestamp },
      ...(version === undefined ? [] : [{ name: version, from: 'prediction', column: version } as const]),
      {
        name: 'known_at',
        from: 'actual',
        column: columnNamed(tables.actuals.columns, 'timestamp')?.name ?? 'timestamp',
      },
    ] as const
    // Nobody asks for the counts here, and they are joined by some planners all the same.
    const query = labelledQuery(tables, shown, { ...words, counts: 'looked up' })
    const l = (name: string): string => `l.${quote(name)}`
    const key = 'd, v'
    return `select d, v, count(*), count(waited),
        min(case when 2 * place >= labelled then waited end), min(case when 10 * place >= 9 * labelled then waited end)
      from (select d, v, waited, count(waited) over (partition by ${key}) as labelled,
          row_number() over (partition by ${key}, case when waited is null then 1 else 0 end order by waited) as place
        from (select ${words.dayOf(l(timestamp))} as d, ${version === undefined ? "''" : `coalesce(${l(version)}, '')`} as v,
            ${words.secondsBetween(l(timestamp), l('known_at'))} as waited
          from (${query}) l where ${l(timestamp)} >= ${words.instant(since, bindings)}) w) x
      group by d, v order by d, v`
  }

  const dayOfRow = ([day, version, predictions, labelled, median, most]: readonly unknown[]): DayOfVersion => ({
    day: String(day),
    modelVersion: String(version),
    predictions: numberOf(predictions),
    labelled: numberOf(labelled),
    medianLag: secondsOf(median),
    lag90: secondsOf(most),
  })

  const idsQuery = (asking: Asking, since: Date, after: string | undefined): string => {
    const { a, same, bindings } = asking
    const id = a('a', 'prediction_id')
    return `select ${words.idText(id)}, count(*) from ${actualsTable} a
      where ${after === undefined ? `${id} is not null` : `${id} > ${bindings.bind(after)}`}
        and ${stands(since, `${a('b', 'prediction_id')} = ${id}`, asking)}
        and not exists (select 1 from ${predictionsTable} p where ${same('a', 'prediction_id', 'id')})
      group by ${id} order by ${id} limit ${PAGE}`
  }

  const requestsQuery = (asking: Asking, since: Date, after: RequestKey | undefined): string => {
    const { p, a, namesNoPrediction, same, bindings } = asking
    const [id, instance] = [a('a', 'request_id'), a('a', 'instance')]
    const place = (alias: string) => `coalesce(${a(alias, 'instance')}, -1)`
    const isSame = `${namesNoPrediction('b')} and ${a('b', 'request_id')} = ${id} and ${place('b')} = ${place('a')}`
    const ofRequest = `from ${predictionsTable} p where ${same('a', 'request_id', 'request_id')}`
    const isAfter =
      after &&
      `(${id} > ${bindings.bind(after[0])} or (${id} = ${bindings.bind(after[0])} and ${place('a')} > ${bindings.bind(after[1])}))`
    return `select ${id}, ${instance}, count(*), (select count(*) ${ofRequest}) from ${actualsTable} a
      where ${a('a', 'prediction_id')} is null and ${isAfter ?? `${id} is not null`}
        and ${stands(since, isSame, asking)}
        and ((${instance} is null and (select count(*) ${ofRequest}) <> 1)
          or (${instance} is not null and not exists (select 1 ${ofRequest} and ${p('instance')} = ${instance})))
      group by ${id}, ${instance} order by ${id}, ${place('a')} limit ${PAGE}`
  }

  return {
    name: options.name,
    hasActuals: () => guarded(async () => (await tables()).actuals.columns.length > 0),
    days: async (since) => (await ask((asking) => daysQuery(asking, since))).map(dayOfRow),
    async oldest() {
      const [[oldest] = []] = await ask(({ p }) => `select min(${p('timestamp')}) from ${predictionsTable} p`)
      return dateOf(oldest)
    },
    async *unmatchedIds(since) {
      for (let after: string | undefined; ;) {
        const rows = await ask((asking) => idsQuery(asking, since, after))
        if (rows.length > 0) yield rows.map(([id, reports]) => ({ id: String(id), reports: numberOf(reports) }))
        if (rows.length < PAGE) return
        after = String(rows.at(-1)![0])
      }
    },
    async *unmatchedRequests(since) {
      for (let after: RequestKey | undefined; ;) {
        const rows = await ask((asking) => requestsQuery(asking, since, after))
        const page = rows.map(([requestId, instance, reports, predictions]) => ({
          requestId: String(requestId),
          instance: instance === null ? null : numberOf(instance),
          reports: numberOf(reports),
          predictions: numberOf(predictions),
        }))
        if (page.length > 0) yield page
        if (page.length < PAGE) return
        const { requestId, instance } = page.at(-1)!
        after = [requestId, instance ?? -1]
      }
    },
    async stored(ids) {
      const found = new Set<string>()
      for (let from = 0; from < ids.length; from += LIST) {
        const some = ids.slice(from, from + LIST)
        const rows = await ask(
          ({ p, bindings }) =>
            `select ${words.idText(p('id'))} from ${predictionsTable} p where ${p('id')} in (${some.map((id) => bindings.bind(id)).join(', ')})`,
        )
        for (const [id] of rows) found.add(String(id))
      }
      return found
    },
    async countBetween(first, last) {
      const [[count] = []] = await ask(
        ({ p, bindings }) =>
          `select count(*) from ${predictionsTable} p where ${p('id')} >= ${bindings.bind(first)} and ${p('id')} <= ${bindings.bind(last)}`,
      )
      return numberOf(count)
    },
    async close() {
      const closing = await opened?.catch(() => undefined)
      opened = undefined
      for (const session of closing?.sessions ?? []) await session.close().catch(() => {})
    },
  }
}
