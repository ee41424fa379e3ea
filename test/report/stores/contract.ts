import { beforeAll, describe, expect, it } from 'vitest'
import type { Answers, ReportPlan, Survey, SurveyQuestion } from '../../../src/report/answers.ts'
import { planOf } from '../../../src/report/plan.ts'
import { report } from '../../../src/report/report.ts'
import { actualColumnsOf, columnsOf } from '../../../src/schema/columns.ts'
import type { Sink } from '../../../src/sink.ts'
import type { PredictionSchema } from '../../../src/schema/schema.ts'
import { actualsStoreOf, storeOf } from '../../../src/stores.ts'
import { patient } from '../../sinks/records.ts'
import {
  expectedAnswer,
  hasFailed,
  latestOf,
  makeRows,
  numbersSchema,
  schema,
  unstored,
  windows,
  withHugeNumbers,
  withNumbers,
  withoutWeights,
  withTinyChances,
  type Made,
} from './rows.ts'

/** What a store's test gives: a place of its own. */
export interface Harness {
  readonly url: string
  readonly table: string
  createSink(table: string): Sink
  /** Statements that make a copy of a table, with ids of the type that somebody's own table has. */
  copy(table: string, to: string): readonly string[]
  quote(name: string): string
  /** Types of columns that somebody's own table may have, each with values as SQL. */
  readonly types: Readonly<Record<string, readonly string[]>>
  readonly idType?: string
  readonly timeType: string
  /** Whether its columns of numbers have infinities and NaN. Default: false. */
  readonly hasInfinities?: boolean
  /** The rows of a query. */
  run(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

const loans = makeRows()
const numbers = withNumbers(loans)

let tables = 0

/** Stores rows as capture does. */
export const write = async (sink: Sink, schema: PredictionSchema | undefined, made: Made): Promise<void> => {
  const columns = columnsOf(schema)
  await sink.open!(columns)
  await sink.write(made.predictions, patient)
  const { actuals } = sink
  const labels = typeof actuals === 'function' ? actuals({ table: undefined, predictionColumns: columns }) : sink
  await labels.open!(actualColumnsOf(schema))
  await labels.write(made.actuals as unknown as Parameters<Sink['write']>[0], patient)
  await labels.close?.()
  await sink.close?.()
}

/** Numbers alike but for the order in which they were added up. */
const same = (actual: unknown, expected: unknown, path = ''): void => {
  if (typeof expected === 'number' && typeof actual === 'number') {
    const room = 1e-9 * Math.max(1, Math.abs(expected))
    if (!(Math.abs(actual - expected) <= room)) expect(`${path}: ${actual}`).toBe(`${path}: ${expected}`)
  } else if (Array.isArray(expected) && Array.isArray(actual)) {
    if (actual.length !== expected.length) expect({ path, value: actual }).toEqual({ path, value: expected })
    for (const [index, value] of expected.entries()) same(actual[index], value, `${path}[${index}]`)
  } else if (typeof expected === 'object' && expected !== null && !(expected instanceof Date)) {
    const of = actual as Record<string, unknown>
    expect({ path, keys: Object.keys(of ?? {}).sort() }).toEqual({ path, keys: Object.keys(expected).sort() })
    for (const [name, value] of Object.entries(expected)) same(of[name], value, `${path}.${name}`)
  } else expect({ path, value: actual }).toEqual({ path, value: expected })
}

/** Lists that come in no order. */
const sorted = (answers: Answers): unknown => {
  const group = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      const items = value.map(group)
      const isNamed = items.some(
        (item) => typeof item === 'object' && item !== null && ('prediction' in item || 'path' in item),
      )
      return isNamed
        ? items.toSorted((a, b) => (JSON.stringify(nameOf(a)) < JSON.stringify(nameOf(b)) ? -1 : 1))
        : items
    }
    if (typeof value !== 'object' || value === null || value instanceof Date) return value
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, group(member)]))
  }
  return group({ current: answers.current, reference: answers.reference })
}

const all = async <Item>(pages: AsyncIterable<readonly Item[]>): Promise<Item[]> => {
  const items: Item[] = []
  for await (const page of pages) items.push(...page)
  return items
}

const nameOf = (item: unknown): unknown => {
  const { prediction, actual, path, reason } = item as Record<string, unknown>
  return [prediction, actual, path, reason]
}

export const testStore = (name: string, harness: () => Harness): void => {
  const question: SurveyQuestion = {
    ...windows,
    where: [],
    by: [],
    model: 'loans',
    columns: columnsOf(schema),
  }

  const ask = async (
    table: string,
    asked: SurveyQuestion,
    change: (plan: ReportPlan) => ReportPlan = (plan) => plan,
    actualsTable?: string,
  ) => {
    const store = await storeOf({ url: harness().url, table, actualsTable })
    try {
      const shares: number[] = []
      const survey: Survey = await store.survey(asked, (share) => shares.push(share))
      const options = { model: asked.model, bucket: undefined, timeZone: 'Europe/Berlin', referenceColumns: undefined }
      const plan = change(planOf(asked, survey, options))
      const answers = await store.answer(plan, (share) => shares.push(share))
      return { survey, plan, answers, shares }
    } finally {
      await store.close()
    }
  }

  const idType = () => harness().idType ?? 'char(36)'

  const expectSums = (plan: ReportPlan, answers: Answers, made = loans): void => {
    const known = new Map(plan.columns.map((column) => [column.name, new Set<string>()]))
    const reference = expectedAnswer(made, plan, 'reference', known)
    const current = expectedAnswer(made, plan, 'current', known)
    same(sorted(answers), sorted({ plan, current, reference }))
  }

  describe(`${name} as a store of reports`, () => {
    beforeAll(async () => {
      const { table, createSink } = harness()
      await write(createSink(table), schema, loans)
      await write(createSink(`${table}_json`), undefined, loans)
      await write(createSink(`${table}_numbers`), numbersSchema, numbers)
      await write(createSink(`${table}_numbers_json`), undefined, numbers)
    })

    it('says what there is', async () => {
      const { survey, shares } = await ask(harness().table, question)
      expect(survey.columns.map(({ name, role, kind }) => `${role} ${name}: ${kind}`)).toEqual([
        'feature amount: number',
        'feature count: number',
        'feature city: category',
        'feature member: boolean',
        'feature opened: time',
        'feature notes: json',
        'output prediction: category',
        'output confidence: number',
      ])
      const [amount, count, city, member] = survey.columns
      expect(amount!.edges!.length).toBeGreaterThan(90)
      expect(amount).toMatchObject({ min: amount!.edges![0], max: amount!.edges!.at(-1), whole: false })
      expect(count).toMatchObject({ edges: [0, 1, 2, 3, 3], distinct: 4, whole: true })
      expect(city!.categories!.toSorted()).toEqual(['Köln', 'Paris', "d'Or", 'köln'].toSorted())
      expect(member!.categories!.toSorted()).toEqual(['false', 'true'])
      expect(survey).toMatchObject({ hasActuals: true, models: ['loans'] })
      expect(survey.labels.map(({ name, kind }) => [name, kind])).toEqual([['actual', 'category']])
      expect(shares.at(-1)).toBe(1)
      expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true)
    })

    it('sums up every row of both windows', async () => {
      const { plan, answers } = await ask(harness().table, question)
      expect(plan.comparison).toMatchObject({
        task: 'classification',
        prediction: 'prediction',
        actual: 'actual',
        positive: 'yes',
        score: { column: 'confidence', meaning: 'confidence' },
      })
      expect(answers.current.all.traffic.instances.n).toBeGreaterThan(200)
      expect(answers.current.all.columns['city']!.unseenValues[0]).toMatchObject({ value: 'Zürich' })
      expectSums(plan, answers)
    })

    it('cuts the current window by columns and tags, and keeps to the rows that are asked for', async () => {
      const asked = { ...question, by: ['country', 'member'], where: [{ name: 'city', value: 'köln' }] }
      const { plan, answers } = await ask(harness().table, asked)
      expect(answers.current.slices.map(({ name, value }) => `${name}=${value}`).toSorted()).toEqual([
        'country=DE',
        'country=FR',
        'member=',
        'member=false',
        'member=true',
      ])
      expectSums(plan, answers)
    })

    it('tells other values of the reference from new ones, where not all are named', async () => {
      const { plan, answers } = await ask(harness().table, question, (plan) => ({
        ...plan,
        columns: plan.columns.map((column) =>
          column.name === 'city' ? { ...column, categories: ['Köln'], complete: false } : column,
        ),
      }))
      const city = answers.current.all.columns['city']!
      expect(city.other.n).toBeGreaterThan(50)
      expect(city.unseenValues.map(({ value }) => value)).toEqual(['Zürich'])
      expectSums(plan, answers)
    })

    it.each([
      ['columns', '_numbers', columnsOf(numbersSchema)],
      ['members of JSON', '_numbers_json', columnsOf(undefined)],
    ])('compares numbers as a regression, in %s', async (_, ending, columns) => {
      const asked = { ...question, columns, by: ['country'] }
      const { plan, answers } = await ask(`${harness().table}${ending}`, asked, (plan) => ({
        ...plan,
        columns: plan.columns.filter(({ name }) => !name.startsWith('notes')),
      }))
      expect(plan.comparison).toMatchObject({ task: 'regression', prediction: 'prediction', actual: 'actual' })
      expectSums(plan, answers, numbers)

      // By hand: what RMSE and MAE are made of.
      const latest = latestOf(numbers)
      let [e2, abs, count] = [0, 0, 0]
      for (const record of numbers.predictions) {
        const { id, timestamp, model, outputs, sample_weight: w } = record
        const [time, actual] = [new Date(timestamp), latest.get(id)?.actuals['actual']]
        if (time < windows.current.since || time >= windows.current.until) continue
        if (model !== 'loans' || hasFailed(record) || typeof actual !== 'number') continue
        const e = (outputs['prediction'] as number) - actual
        e2 += w * e ** 2
        abs += w * Math.abs(e)
        count++
      }
      const { residuals, labelled, incomparable } = answers.current.all.labelled!
      expect(labelled.n).toBe(count)
      expect(incomparable.n).toBeGreaterThan(5)
      expect(residuals!.nonZero.n).toBeLessThan(count)
      expect(residuals!.e2).toBeCloseTo(e2, 4)
      expect(residuals!.abs).toBeCloseTo(abs, 4)
    })

    it.each([
      ['columns', numbersSchema, numbers],
      ['columns, without weights', numbersSchema, withoutWeights(numbers)],
      ['members of JSON', undefined, numbers],
      ['members of JSON, without weights', undefined, withoutWeights(numbers)],
    ])('counts numbers apart that are too great to be added up, in %s', async (_, schema, rows) => {
      const { table, createSink, hasInfinities } = harness()
      const made = withHugeNumbers(rows, schema && hasInfinities ? [Infinity, -Infinity, NaN] : [])
      const name = `${table}_huge${++tables}`
      await write(createSink(name), schema, made)
      const { plan, answers } = await ask(name, { ...question, columns: columnsOf(schema) }, (plan) => ({
        ...plan,
        columns: plan.columns.filter(({ name }) => !name.startsWith('notes')),
      }))
      expect(plan.comparison).toMatchObject({ task: 'regression' })
      const { amount, prediction } = answers.current.all.columns
      expect(amount!.nonFinite.n).toBeGreaterThan(10)
      expect(prediction!.nonFinite.n).toBeGreaterThan(5)
      expect(amount!.moments!.min).toBe(-1e69)
      expectSums(plan, answers, made)
      const { residuals } = answers.current.all.labelled!
      expect(Object.values(residuals!).filter((sum) => typeof sum === 'number' && !Number.isFinite(sum))).toEqual([])
    })

    it('takes chances that are hardly above 0', async () => {
      const { table, createSink } = harness()
      const made = withTinyChances(loans)
      await write(createSink(`${table}_tiny`), schema, made)
      const { plan, answers } = await ask(`${table}_tiny`, question)
      expect(plan.comparison!.score).toMatchObject({ column: 'confidence' })
      expectSums(plan, answers, made)
    })

    it('sums up rows without weights', async () => {
      const { table, createSink } = harness()
      const made = withoutWeights(loans)
      await write(createSink(`${table}_plain`), schema, made)
      const { plan, answers } = await ask(`${table}_plain`, { ...question, by: ['country'] })
      expectSums(plan, answers, made)
    })

    it('compares nothing where nothing is to be compared', async () => {
      const { plan, answers } = await ask(harness().table, question, (plan) => ({ ...plan, comparison: undefined }))
      expect(answers.current.all.labelled).toBeUndefined()
      expectSums(plan, answers)
    })

    it('takes the actuals that the view of both tables shows', async () => {
      const { answers } = await ask(harness().table, question)
      const rows = await harness().run(
        `select id, prediction, actual from ${harness().table}_labelled where actual_timestamp is not null`,
      )
      const records = new Map(loans.predictions.map((record) => [record.id, record]))
      expect(rows.map(({ id, actual }) => [id, actual]).toSorted()).toEqual(
        [...latestOf(loans)]
          .flatMap(([id, { actuals }]) => (records.has(id) ? [[id, actuals['actual']]] : []))
          .toSorted(),
      )
      for (const window of ['reference', 'current'] as const) {
        const pairs: Record<string, number> = {}
        for (const { id, prediction, actual } of rows) {
          const record = records.get(id as string)!
          const { timestamp, model } = record
          const [time, { since, until }] = [new Date(timestamp), windows[window]]
          if (time < since || time >= until || model !== 'loans' || hasFailed(record)) continue
          const pair = `${String(prediction)}, was ${String(actual)}`
          pairs[pair] = (pairs[pair] ?? 0) + 1
        }
        expect(Object.keys(pairs)).toHaveLength(4)
        const counted = answers[window]!.all.labelled!.pairs.map(({ prediction, actual, n }) => [
          `${prediction}, was ${actual}`,
          n,
        ])
        expect(Object.fromEntries(counted)).toEqual(pairs)
      }
    })

    it('finds the actuals of ids that are stored as texts', async () => {
      const { table, run, copy: copyOf } = harness()
      const copy = `${table}_ids`
      for (const sql of copyOf(table, copy)) await run(sql)
      const { plan, answers } = await ask(copy, question, (plan) => plan, `${table}_actuals`)
      expect(answers.current.all.labelled!.labelled.n).toBeGreaterThan(100)
      expectSums(plan, answers)
    })

    it('knows the columns of actuals in other cases of their letters', async () => {
      const { table, run, quote } = harness()
      const actuals = `${table}_cases`
      await run(`create table ${actuals} as select * from ${table}_actuals`)
      for (const name of [
        'Id',
        'Timestamp',
        'Prediction_Id',
        'Request_Id',
        'Instance',
        'Reported_At',
        'Retracted',
        'SOURCE',
      ])
        await run(`alter table ${actuals} rename column ${quote(name.toLowerCase())} to ${quote(name)}`)
      const { survey, plan, answers } = await ask(table, question, (plan) => plan, actuals)
      expect(survey.labels.map(({ name }) => name)).toEqual(['actual'])
      expectSums(plan, answers)

      const store = await actualsStoreOf({ url: harness().url, table, actualsTable: actuals })
      try {
        const days = await store.days(windows.reference.since)
        expect(days.reduce((sum, { labelled }) => sum + labelled, 0)).toBeGreaterThan(200)
        const unmatched = await all(store.unmatchedIds(windows.reference.since))
        expect(unmatched.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
          unstored.toSorted().map((id) => ({ id, reports: 1 })),
        )
        expect(await all(store.unmatchedRequests(windows.reference.since))).not.toEqual([])
      } finally {
        await store.close()
      }
    })

    it('finds the actuals beside a table whose name leaves no room for their ending', async () => {
      const { table, createSink } = harness()
      const long = `${table}_${'long'.repeat(12)}`
      await write(createSink(long), schema, loans)
      const { plan, answers } = await ask(long, question)
      expect(answers.current.all.labelled!.labelled.n).toBeGreaterThan(100)
      expectSums(plan, answers)
    })

    it('reads members of JSON columns as columns', async () => {
      const { plan, answers, survey } = await ask(`${harness().table}_json`, {
        ...question,
        columns: columnsOf(undefined),
      })
      expect(survey.columns.map(({ name, role, kind }) => `${role} ${name}: ${kind}`).toSorted()).toEqual(
        [
          'feature amount: number',
          'feature count: number',
          'feature city: category',
          'feature member: boolean',
          'feature opened: time',
          'feature notes_f0: number',
          'feature notes_f1: number',
          'output prediction: category',
          'output confidence: number',
        ].toSorted(),
      )
      expect(plan.comparison).toMatchObject({ prediction: 'prediction', actual: 'actual' })
      const columns = plan.columns.filter(({ name }) => !name.startsWith('notes'))
      const without = (of: Answers['current']) => ({
        ...of,
        all: { ...of.all, columns: pick(of.all.columns, columns) },
        buckets: of.buckets.map((bucket) => ({ ...bucket, columns: pick(bucket.columns, columns) })),
        versions: Object.fromEntries(
          Object.entries(of.versions).map(([version, group]) => [
            version,
            { ...group, columns: pick(group.columns, columns) },
          ]),
        ),
      })
      expectSums(
        { ...plan, columns },
        { plan, current: without(answers.current), reference: without(answers.reference!) },
      )
    })

    it('reads a table that has columns of every type', async () => {
      const { table, run, types, timeType } = harness()
      const columns = Object.entries(types).map(([type, values], index) => ({ name: `c${index}`, type, values }))
      const own = `${table}_types`
      await run(
        `create table ${own} (id ${idType()}, ${harness().quote('timestamp')} ${timeType}, ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')})`,
      )
      const rowOf = (day: number, row: number): string =>
        `('00000000-0000-7000-8000-0000000${day}${1000 + row}', '2026-11-0${day} 12:00:00', ${columns.map(({ values }) => values[row % values.length]).join(', ')})`
      for (const day of [1, 2, 3, 4])
        await run(`insert into ${own} values ${Array.from({ length: 50 }, (_, row) => rowOf(day, row)).join(', ')}`)
      const { columns: found, traffic } = await report({
        sink: harness().url,
        table: own,
        schema: undefined,
        since: '2026-11-03',
        until: '2026-11-05',
      })
      expect(traffic.instances).toBe(100)
      expect(Object.keys(found)).toEqual(columns.map(({ name }) => name))
      const missing = columns.filter(({ name, values }) => {
        const share = values.filter((value) => value === 'null').length / values.length
        return Math.abs((found[name]!.current.missing ?? 0) - share) > 0.05
      })
      expect(missing).toEqual([])
    })

    it('reads the own columns of a table that somebody made, whatever their types', async () => {
      const { table, run, timeType } = harness()
      const own = `${table}_own`
      await run(
        `create table ${own} (id ${idType()}, ${harness().quote('timestamp')} ${timeType}, model integer, model_version integer, status varchar(9), duration_ms varchar(9), error integer, sample_weight varchar(9), tags varchar(90), extra varchar(90), n double precision, prediction integer)`,
      )
      const rowOf = (day: number, row: number): string =>
        `('00000000-0000-7000-8000-0000000${day}${1000 + row}', '2026-11-0${day} 12:00:00', 7, ${row % 3 === 0 ? 'null' : row % 3}, '${row % 4 === 0 ? 500 : 200}', '${row % 2 ? '1.25e1' : 'slow'}', ${row % 4 === 1 ? 1 : 0}, ${row % 2 ? "'2'" : 'null'}, 'no JSON', 'no JSON', ${row}, ${row % 2})`
      for (const day of [1, 2, 3, 4])
        await run(`insert into ${own} values ${Array.from({ length: 60 }, (_, row) => rowOf(day, row)).join(', ')}`)
      const asked = { sink: harness().url, table: own, schema: undefined, since: '2026-11-03', until: '2026-11-05' }
      const { model, traffic, versions, slices, columns, findings } = await report({ ...asked, by: ['model_version'] })
      expect(model).toBe('7')
      expect(traffic).toMatchObject({ instances: 120, represented: 180 })
      // By their status 30 rows of a weight of 1, by their error 30 of 2.
      expect(traffic.error_rate).toBeCloseTo((30 + 60) / 180, 9)
      expect(traffic.latency_ms!.p50).toBeGreaterThan(11)
      expect(traffic.latency_ms!.p50).toBeLessThan(14)
      expect(versions.map(({ value, instances }) => [value, instances]).sort()).toEqual([
        ['', 40],
        ['1', 40],
        ['2', 40],
      ])
      expect(slices.map(({ value }) => value).sort()).toEqual(['', '1', '2'])
      expect(Object.keys(columns)).toEqual(['n', 'prediction'])
      expect(findings.filter(({ message }) => message.includes('sample_weight'))).toEqual([])
      expect((await report({ ...asked, model: '7', where: { model_version: '2' } })).traffic.instances).toBe(40)
    })

    it.each(['-1', '1e200', '1e-200'])('counts rows of a weight of %s once, and says so', async (weight) => {
      const { table, run, timeType } = harness()
      const own = `${table}_weight${weight.replace(/\W/g, '_')}`
      await run(
        `create table ${own} (id ${idType()}, ${harness().quote('timestamp')} ${timeType}, sample_weight double precision, n double precision, prediction integer)`,
      )
      const rowOf = (day: number, row: number): string =>
        `('00000000-0000-7000-8000-0000000${day}${1000 + row}', '2026-11-0${day} 12:00:00', ${row < 5 ? weight : 2}, ${row}, ${row % 2})`
      for (const day of [1, 2, 3, 4])
        await run(`insert into ${own} values ${Array.from({ length: 60 }, (_, row) => rowOf(day, row)).join(', ')}`)
      const { traffic, findings } = await report({
        sink: harness().url,
        table: own,
        schema: undefined,
        since: '2026-11-03',
        until: '2026-11-05',
      })
      expect(traffic).toMatchObject({ instances: 120, represented: 2 * (5 + 55 * 2) })
      expect(findings).toContainEqual(
        expect.objectContaining({
          severity: 'warn',
          message:
            '20 rows of the windows have a sample_weight that is none (negative, infinite or not a number): each counts as 1.',
        }),
      )
    })

    it('says what is wrong with times that are numbers', async () => {
      const { table, run, quote } = harness()
      const name = `${table}_epoch`
      await run(`create table ${name} (id ${idType()}, ${quote('timestamp')} bigint, n double precision)`)
      await run(`insert into ${name} values ('00000000-0000-7000-8000-000000000001', 1793500000000000000, 1)`)
      await expect(ask(name, question)).rejects.toMatchObject({
        code: 'PREDICTIONS_BAD_CONFIGURATION',
        message: expect.stringMatching(
          /the column "timestamp" of \S+ is (bigint\S*|a number), and a report needs times: /,
        ),
      })
    })

    it('knows a name that is no column and no tag', async () => {
      await expect(ask(harness().table, { ...question, by: ['contry'] })).rejects.toMatchObject({
        code: 'PREDICTIONS_BAD_CONFIGURATION',
        message: expect.stringContaining('did you mean "country"?') as string,
      })
    })

    it('knows a table that is not there, and one that is none of predictions', async () => {
      await expect(ask('nowhere', question)).rejects.toMatchObject({
        code: 'PREDICTIONS_BAD_CONFIGURATION',
        message: expect.stringContaining('no table') as string,
      })
    })

    it('answers for a window without rows', async () => {
      const empty = { since: new Date('2020-01-01'), until: new Date('2020-01-02') }
      const { answers } = await ask(harness().table, { ...question, current: empty, reference: undefined })
      expect(answers.current.all.traffic.instances).toEqual({ n: 0, w: 0, w2: 0 })
      expect(answers.reference).toBeUndefined()
    })
  })
}

const pick = <Value>(of: Readonly<Record<string, Value>>, columns: readonly { readonly name: string }[]) =>
  Object.fromEntries(columns.map(({ name }) => [name, of[name]!]))
