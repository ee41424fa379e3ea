import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createActuals } from '../../src/actuals/actuals.ts'
import { createIds, instanceId } from '../../src/records/id.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import { storedFromJson } from '../../src/records/stored.ts'
import { actualColumnsOf, columnsOf } from '../../src/schema/columns.ts'
import type { PredictionSchema } from '../../src/schema/schema.ts'
import type { Sink } from '../../src/sink.ts'
import { databases, type Database, type Row } from './people/databases.ts'
import { deliveryTo } from './people/delivery.ts'
import { record } from './records.ts'

const schema: PredictionSchema = {
  features: { type: 'object', properties: { x: { type: 'number' }, species: { type: 'string' } } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' } } },
}

const nextBase = createIds()
let tables = 0

/** A time that comes later with every minute. */
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 23, 12, minute)).toISOString()

describe.each(databases)('$name: actuals', ({ connect }) => {
  let database: Database
  beforeAll(async () => {
    database = await connect!()
  })
  afterAll(() => database.close())

  const q = (name: string): string => (database.kind === 'postgres' ? `"${name}"` : `\`${name}\``)

  /** A table of predictions and one of actuals, with what writes to each. */
  const start = (of: PredictionSchema = schema) => {
    const table = `labels_${tables++}`
    const predictions = database.sink(table)
    const make = predictions.actuals as Exclude<Sink['actuals'], true | undefined>
    let actualColumns = actualColumnsOf(of)
    let predictionColumns = columnsOf(of)
    const deliveryOfPredictions = deliveryTo(predictions, () => predictionColumns)
    const actuals = make({ table: undefined, predictionColumns })
    const deliveryOfActuals = deliveryTo(actuals, () => actualColumns)
    const read = createActuals({ columns: () => actualColumns })
    const recordsOf = (reports: readonly unknown[]): PredictionRecord[] => {
      const { lines, rejected } = read(reports)
      expect(rejected).toEqual([])
      return lines.map((line) => storedFromJson(line) as unknown as PredictionRecord)
    }
    return {
      table,
      actuals,
      noted: deliveryOfActuals.noted,
      notedOfPredictions: deliveryOfPredictions.noted,
      /** Another process with the same configuration. */
      again: () => deliveryTo(make({ table: undefined, predictionColumns }), () => actualColumns),
      recordsOf,
      async predict(...records: PredictionRecord[]) {
        expect(await deliveryOfPredictions.write(records)).toEqual([])
      },
      async report(...reports: unknown[]) {
        expect(await deliveryOfActuals.write(recordsOf(reports))).toEqual([])
      },
      grow(to: PredictionSchema) {
        actualColumns = actualColumnsOf(to)
        predictionColumns = columnsOf(to)
      },
      stored: (): Promise<readonly Row[]> =>
        database.run(`select * from ${q(`${table}_actuals`)} order by reported_at, id`),
      labelled: (): Promise<readonly Row[]> => database.run(`select * from ${q(`${table}_labelled`)} order by id`),
    }
  }

  const prediction = (members: Parameters<typeof record>[0] = {}) =>
    record({ id: nextBase(), outputs: { prediction: 1 }, features: { x: 1, species: 'setosa' }, ...members })

  it('are stored once: in one batch, in another, and by another process', async () => {
    const { again, report, recordsOf, stored } = start()
    const id = nextBase()
    const once = { id, actual: 2, timestamp: at(0), source: 'lab' }
    await report(once, { ...once }, { id, actual: 1, timestamp: at(0) })
    await report({ ...once, id: id.toUpperCase(), timestamp: '2026-11-23T13:00:00+01:00' })
    const [first, second] = [again(), again()]
    const same = recordsOf([once, { id, actual: 3 }, once])
    await Promise.all([first.write(same), second.write(same)])
    const rows = await stored()
    expect(rows.map(({ actual }) => Number(actual)).sort()).toEqual([1, 2, 3])
    expect(rows.every(({ prediction_id }) => prediction_id === id)).toBe(true)
  })

  it('that fit no column go to extra, and what says no zone is read in UTC and says so', async () => {
    const { report, stored } = start()
    await report({ id: nextBase(), actual: 'virginica', timestamp: '2026-11-23' })
    const [row] = await stored()
    expect(row!['actual']).toBeNull()
    const extra: unknown = typeof row!['extra'] === 'string' ? JSON.parse(row!['extra']) : row!['extra']
    expect(extra).toEqual({
      'actuals.actual': { value: 'virginica', reason: 'not an integer' },
      timestamp: { value: '2026-11-23', reason: 'a time without a zone: read as UTC' },
    })
  })

  it('stand beside their predictions in a view: one row a prediction, the latest counts', async () => {
    const { labelled, predict, report } = start()
    const [early, corrected, equal, retracted, taken, none] = Array.from({ length: 6 }, () => prediction())
    // Before its prediction.
    await report({ id: early!.id, actual: 0, timestamp: at(0) })
    await predict(early!, corrected!, equal!, retracted!, taken!, none!)
    await report(
      { id: corrected!.id, actual: 0, timestamp: at(5), source: 'old' },
      { id: corrected!.id, actual: 2, timestamp: at(9), source: 'new' },
      { id: corrected!.id, actual: 1, timestamp: at(7) },
      { id: equal!.id, actual: 0, timestamp: at(1) },
      { id: equal!.id, actual: 1, timestamp: at(1) },
      { id: retracted!.id, actual: 1, timestamp: at(1) },
      { id: retracted!.id, retracted: true, timestamp: at(2) },
      { id: taken!.id, actual: 1, timestamp: at(1) },
      { id: taken!.id, retracted: true, timestamp: at(2) },
      { id: taken!.id, actual: 2, timestamp: at(3) },
      // Of another service, or sampled out.
      { id: nextBase(), actual: 1 },
    )
    const rows = await labelled()
    const equals = [0, 1]
    expect(rows.map(({ id, actual, actual_count }) => [id, actual === null ? null : Number(actual), Number(actual_count)])).toEqual([
      [early!.id, 0, 1],
      [corrected!.id, 2, 3],
      [equal!.id, expect.toSatisfy((value: number) => equals.includes(value)), 2],
      [retracted!.id, null, 2],
      [taken!.id, 2, 3],
      [none!.id, null, 0],
    ]) // prettier-ignore
    expect(rows[1]).toMatchObject({ actual_source: 'new', species: 'setosa' })
    expect(new Date(rows[1]!['actual_timestamp'] as string).getTime()).toBe(Date.parse(at(9)))
    // Twice the same choice.
    expect(await labelled()).toEqual(rows)
  })

  it('of a batch name its instances, and what is not known yet is left out', async () => {
    const { labelled, predict, report } = start()
    const base = nextBase()
    await predict(...[0, 1, 2].map((instance) => prediction({ id: instanceId(base, instance), instance })))
    await report({ id: base, actuals: [2, null, 0] })
    expect((await labelled()).map(({ actual }) => (actual === null ? null : Number(actual)))).toEqual([2, null, 0])
  })

  it("by request_id are the request's only prediction's, or an instance's; others are no one's", async () => {
    const { labelled, predict, report } = start()
    const only = prediction({ request_id: 'only' })
    const base = nextBase()
    const batch = [0, 1].map((instance) =>
      prediction({ id: instanceId(base, instance), instance, request_id: 'batch' }),
    )
    const [twice, again] = [prediction({ request_id: 'twice' }), prediction({ request_id: 'twice' })]
    await predict(only, ...batch, twice, again)
    await report(
      { request_id: 'only', actual: 1, timestamp: at(1) },
      { request_id: 'batch', actual: 9, timestamp: at(9) },
      { request_id: 'batch', instance: 1, actual: 2, timestamp: at(1) },
      { request_id: 'twice', actual: 9, timestamp: at(9) },
      { request_id: 'unknown', actual: 9 },
    )
    const found = async () => (await labelled()).map(({ actual, actual_count }) => [actual === null ? null : Number(actual), Number(actual_count)]) // prettier-ignore
    expect(await found()).toEqual([[1, 1], [null, 0], [2, 1], [null, 0], [null, 0]]) // prettier-ignore
    // By its id and by its request's: the later one counts.
    await report({ id: only.id, actual: 2, timestamp: at(2) }, { request_id: 'batch', actuals: [0] })
    expect(await found()).toEqual([[2, 2], [0, 1], [2, 1], [null, 0], [null, 0]]) // prettier-ignore
    await report({ request_id: 'only', retracted: true, timestamp: at(3) })
    expect((await found())[0]).toEqual([null, 3])
  })

  it('give the view what the tables get later, and labels their own names beside features', async () => {
    const { grow, labelled, predict, report } = start()
    const one = prediction()
    await predict(one)
    await report({ id: one.id, actual: 1, timestamp: at(1) })
    const more = { type: 'object', properties: { species: { type: 'string' }, yield: { type: 'number' } } }
    grow({
      ...schema,
      features: { type: 'object', properties: { x: { type: 'number' }, species: { type: 'string' }, z: { type: 'number' } } },
      actuals: more,
    }) // prettier-ignore
    await report({ id: one.id, species: 'virginica', yield: 2.5, timestamp: at(2) })
    await predict(prediction({ features: { z: 3 } }))
    const [row, second] = await labelled()
    expect(row).toMatchObject({ species: 'setosa', actual_species: 'virginica', yield: 2.5, actual: null })
    expect(second).toMatchObject({ z: 3 })
  })

  it('are planned with their view, and what is printed makes what is needed', async () => {
    const { actuals, predict, table } = start()
    const before = await actuals.plan!(actualColumnsOf(schema))
    expect(before).toMatchObject({ problems: [], isNew: true })
    expect(before.statements.at(-1)).toMatch(/create (or replace )?(algorithm = merge )?view/)
    await predict(prediction())
    for (const statement of (await actuals.plan!(actualColumnsOf(schema))).statements) await database.run(statement)
    expect(await actuals.plan!(actualColumnsOf(schema))).toEqual({ statements: [], problems: [] })
    expect(await database.run(`select * from ${q(`${table}_labelled`)}`)).toHaveLength(1)
  })

  it('have their view made anew where an earlier version made it, in another way', async () => {
    const { again, labelled, predict, recordsOf, report, table } = start()
    const one = prediction()
    await predict(one)
    await report({ id: one.id, actual: 1, timestamp: at(1) })
    if (database.kind === 'postgres') return
    const [view, of, actuals] = [`${table}_labelled`, table, `${table}_actuals`].map(q)
    await database.run(`drop view ${view}`)
    const counts = `select d.${q('prediction_id')}, count(*) as ${q('n')} from ${actuals} d where d.${q('prediction_id')} is null or 1 = 1 group by d.${q('prediction_id')}`
    await database.run(
      `create view ${view} as select p.*, null as actual, null as actual_timestamp, null as actual_reported_at, null as actual_source, coalesce(c.n, 0) as actual_count
       from ${of} p left join (${counts}) c on c.${q('prediction_id')} = p.${q('id')}`,
    )
    expect(await labelled()).toMatchObject([{ actual: null }])
    await again().write(recordsOf([{ id: one.id, actual: 2, timestamp: at(2) }]))
    expect((await labelled()).map(({ actual }) => Number(actual))).toEqual([2])
  })

  it('are found without reading others, by the index that is there for it', async () => {
    const { predict, report, table } = start({
      ...schema,
      actuals: { type: 'object', properties: { actual: { type: 'integer' }, species: { type: 'string' } } },
    })
    await predict(...Array.from({ length: 20 }, () => prediction()))
    await report({ id: nextBase(), actual: 1 })
    const asked = `select avg(actual) from ${q(`${table}_labelled`)}`
    if (database.kind === 'sqlite') {
      const plan = await database.run(`explain query plan ${asked}`)
      const byRequest = plan.map(({ detail }) => String(detail)).filter((detail) => /^SEARCH [rs] /.test(detail))
      expect(byRequest).toEqual(byRequest.map(() => expect.stringContaining('_request_index (request_id=?)')))
      expect(byRequest).toHaveLength(2)
    }
    if (database.kind === 'mysql') {
      const keys = await database.run(`show index from ${q(`${table}_actuals`)}`)
      const byPrediction = keys.filter(({ Key_name: name }) => String(name).endsWith('_prediction_index'))
      expect(byPrediction.map(({ Column_name: name }) => name)).toEqual(['prediction_id', 'timestamp', 'reported_at', 'id', 'actual', 'retracted']) // prettier-ignore
      // Neither are counts found that nobody asks for, nor is a table of all rows of the view made: of `y` one row alone.
      const [server] = await database.run('select version() as version')
      const isMariaDb = /mariadb/i.test(String(server!['version']))
      const plan = await database.run(`${isMariaDb ? 'explain' : 'explain format=traditional'} ${asked}`)
      const tables = plan.map(({ table }) => table)
      expect(tables).toEqual(expect.arrayContaining(['p', 'a', 'r']))
      // MariaDB tells of all subqueries, used or not.
      if (!isMariaDb) expect(tables).not.toContain('c')
      const made = plan.filter(({ select_type: type }) => type === 'DERIVED')
      expect(made.map(({ table }) => table)).toEqual(['y'])
    }
  })

  it('leave a table alone that has the name of the view', async () => {
    const { noted, predict, report, table } = start()
    await database.run(`create table ${q(`${table}_labelled`)} (mine integer)`)
    await predict(prediction())
    await report({ id: nextBase(), actual: 1 })
    expect(noted).toEqual([expect.stringContaining('is not the view that shows predictions with their actuals')])
  })
})
