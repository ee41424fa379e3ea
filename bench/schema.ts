import { columnsOf } from '../src/schema/columns.ts'
import { createRowMapper } from '../src/schema/row.ts'
import { recordFrom } from '../src/records/record.ts'

/** What a row costs on the event loop: nanoseconds of CPU a record, JSON parsed before; median of rounds. */
const number = { type: 'number' }
const flower = { type: 'object', properties: { length: number, width: number } }
const columns = columnsOf({
  features: { type: 'object', properties: { sepal: flower, petal: flower } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: number } },
})

const record = (features: Record<string, unknown>) =>
  recordFrom({
    id: '0199d3a0-0000-7000-8000-000000000000',
    timestamp: '2026-11-23T12:00:00.000Z',
    model: 'iris',
    status: 200,
    duration_ms: 0.25,
    features,
    outputs: { prediction: 0, confidence: 0.97 },
  })

const petal = { length: 1.4, width: 0.2 }
const cases = {
  'iris, all fits': { sepal: { length: 5.1, width: 3.5 }, petal },
  'iris, one value does not fit': { sepal: { length: '5cm', width: 3.5 }, petal },
  'iris, one member unknown': { sepal: { length: 5.1, width: 3.5, colour: 'blue' }, petal },
}

const RECORDS = 100_000
const ROUNDS = 11

for (const [name, features] of Object.entries(cases)) {
  const rowOf = createRowMapper(columns)
  const records = Array.from({ length: 100 }, () => record(features))
  for (const each of records) rowOf(each)
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.cpuUsage()
    for (let i = 0; i < RECORDS; i++) rowOf(records[i % records.length]!)
    const { user, system } = process.cpuUsage(start)
    return ((user + system) * 1000) / RECORDS
  })
  console.log(`${name}: ${Math.round(rounds.sort((a, b) => a - b)[ROUNDS >> 1]!)} ns a record`)
}
