import { describe, expect, it, afterAll, beforeAll } from 'vitest'
import { service } from '../setup/services.ts'
import { type Topics, topicsOn } from '../services/kafka/topics.ts'
import { createScale, runFaults, type Scale } from './kafka/scale.ts'

const brokers = await service('kafka')
const postgresUrl = await service('postgres')

describe.skipIf(!brokers || !postgresUrl)('three members on twelve partitions', () => {
  let topics: Topics
  let scale: Scale
  beforeAll(async () => {
    topics = topicsOn(brokers!)
    scale = await createScale({ brokers: brokers!, postgresUrl: postgresUrl!, topics, partitions: 12 })
  })
  afterAll(async () => {
    await scale.close()
    await topics.close()
  })

  it('store every id once, though one is killed, one added and the database cut off', async () => {
    const { missing, strange, rows, codes, seconds } = await runFaults(scale, { backlog: 4000, batch: 500 })
    for (const member of scale.members) console.log(member.name, member.report())
    console.log(`total: ${rows} rows in ${seconds.toFixed(1)} s`)
    expect({ missing, strange, rows }).toEqual({ missing: 0, strange: 0, rows: scale.produced() })
    expect(codes).toEqual([0, 0, 0])
  }, 180_000)
})
