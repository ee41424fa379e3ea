import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createActuals } from '../../src/actuals/actuals.ts'
import { createIds } from '../../src/records/id.ts'
import { storedFromJson } from '../../src/records/stored.ts'
import { actualColumnsOf, columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import { databases, type Database } from './people/databases.ts'
import { deliveryTo } from './people/delivery.ts'
import { record } from './records.ts'

const schema = { outputs: { type: 'object', properties: { prediction: { type: 'integer' } } } }
const [columns, actualColumns] = [columnsOf(schema), actualColumnsOf(schema)]
const nextId = createIds()

const recordsOf = (reports: readonly unknown[]): PredictionRecord[] =>
  createActuals({ columns: () => actualColumns })(reports).lines.map(
    (line) => storedFromJson(line) as unknown as PredictionRecord,
  )

const TABLES = ['owned', 'owned_actuals'] as const

describe.each(databases.filter(({ kind }) => kind !== 'sqlite'))('$name: a user who may not make views', ({ connect }) => {
  let database: Database
  beforeAll(async () => {
    database = await connect!()
  })
  afterAll(() => database.close())

  const open = (user?: string) => {
    const predictions = database.sink('owned', user)
    const make = predictions.actuals as Exclude<Sink['actuals'], true | undefined>
    const actuals = make({ table: undefined, predictionColumns: columns })
    return { predictions: deliveryTo(predictions, () => columns), actuals: deliveryTo(actuals, () => actualColumns) }
  }
  const predict = (id: string) => record({ id, outputs: { prediction: 1 } })

  it('is told the statement, and stores predictions and actuals', async () => {
    const owner = open()
    await owner.predictions.write([predict(nextId())])
    await owner.actuals.write(recordsOf([{ id: nextId(), actual: 0 }]))
    await database.run('drop view owned_labelled')

    const { predictions, actuals } = open(await database.writer!(TABLES))
    const id = nextId()
    expect(await predictions.write([predict(id)])).toEqual([])
    const reports = recordsOf([{ id, actual: 2 }, { id, actual: 1, timestamp: '2026-11-23T12:00:00Z' }])
    expect(await actuals.write(reports)).toEqual([])
    expect(await actuals.write(reports)).toEqual([])
    expect(await database.run('select * from owned_actuals')).toHaveLength(3)
    for (const { failures, noted } of [predictions, actuals]) {
      expect(failures).toEqual([])
      expect(noted).toEqual([
        expect.stringMatching(/^the view of predictions with their actuals could not be made \(.*\), as a user who may make views run: create /s), // prettier-ignore
      ])
    }
    for (const statement of actuals.noted[0]!.split(' run: ')[1]!.split(/;\s*/))
      if (statement !== '') await database.run(statement)
    const [row] = await database.run(`select * from owned_labelled where id = '${id}'`)
    expect([row!['actual'], row!['actual_count']].map(Number)).toEqual([2, 2])
  })
}) // prettier-ignore
