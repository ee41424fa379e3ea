import { columnsFor, patient, record } from './records.ts'
import type { Sink } from '../../src/sink.ts'

/**
 * Writes records of given times in a process of its own, once in each time zone:
 * `node write.ts '{"module":…,"name":…,"options":…,"zones":[…],"moments":[…]}'`.
 */
interface Job {
  readonly module: string
  readonly name: string
  readonly options: object
  readonly zones: readonly string[]
  readonly moments: readonly string[]
}

const { module, name, options, zones, moments } = JSON.parse(process.argv[2]!) as Job
const exports = (await import(new URL(`../../sinks/${module}.ts`, import.meta.url).href)) as Record<
  string,
  (options: object) => Sink
>
for (const zone of zones) {
  // Node.js reads its clock by the new zone from here on.
  process.env['TZ'] = zone
  const sink = exports[name]!(options)
  await sink.open?.(columnsFor())
  await sink.write(
    moments.map((moment) => record({ timestamp: moment, features: { moment } })),
    patient,
  )
  await sink.close?.()
}
