import { service } from '../setup/services.ts'
import { startBroker } from '../services/kafka/broker.ts'
import { topicsOn } from '../services/kafka/topics.ts'
import { createScale, runFaults, type ScaleOptions, until } from '../sinks/kafka/scale.ts'

/**
 * What consumers move, and what they lose (nothing), on twelve partitions into Postgres: one, two and three members on a topic that
 * is full already; then three under load with `kill -9` of one, another added, the database cut off, and the broker killed and
 * restarted on its data.
 *
 * @example node test/long/consume-scale.ts [records]
 */
const records = Number(process.argv[2] ?? 300_000)
const PARTITIONS = 12

const postgresUrl = await service('postgres')
await service('kafka')
if (!postgresUrl) throw new Error('no Postgres')

/** How fast members empty a topic: from the first row to the last. */
const measure = async (options: ScaleOptions, members: number): Promise<void> => {
  const scale = await createScale(options)
  try {
    while (scale.produced() < records) await scale.produce(5000)
    for (let i = 0; i < members; i++) scale.start()
    await until('the first rows', async () => (await scale.stored()) > 0)
    const before = await scale.stored()
    const start = performance.now()
    await until('all rows', async () => (await scale.stored()) === records, 600_000)
    const perSecond = (records - before) / ((performance.now() - start) / 1000)
    console.log(`\n${members} of ${members} members: ${records} records, ${Math.round(perSecond)} rows/s in all`)
    for (const member of scale.members) console.log(`  ${member.name}`, member.report())
    const { missing, strange } = await scale.differences()
    if (missing + strange > 0) throw new Error(`${missing} ids are missing, ${strange} are strange`)
  } finally {
    await scale.close()
  }
}

const broker = await startBroker()
const topics = topicsOn(broker.brokers)
const options = { brokers: broker.brokers, postgresUrl, topics, partitions: PARTITIONS }
try {
  for (const members of [1, 2, 3]) await measure(options, members)

  const scale = await createScale(options)
  try {
    const restart = async () => {
      await broker.kill()
      await broker.start()
    }
    const { missing, strange, rows, seconds, codes } = await runFaults(scale, {
      backlog: 20_000,
      batch: 1000,
      also: restart,
    })
    console.log(
      `\nwith faults: ${rows} rows of ${scale.produced()} in ${seconds.toFixed(1)} s, exit codes ${codes.join(', ')}`,
    )
    for (const member of scale.members) console.log(`  ${member.name}`, member.report())
    console.log(`  ${missing} ids missing, ${strange} strange`)
    if (missing + strange > 0 || rows !== scale.produced()) process.exitCode = 1
  } finally {
    await scale.close()
  }
} finally {
  await topics.close()
  await broker.remove()
}
