import type { Sink } from '../../../src/sink.ts'
import { columnsFor, patient, record } from '../records.ts'

/** Writes, and ends without closing the sink: `node exit.ts MODULE OPTIONS`. */
const [, , module = '', options = '{}'] = process.argv
const exports = (await import(new URL(`../../../sinks/${module}.ts`, import.meta.url).href)) as Record<
  string,
  (options: object) => Sink
>
const sink = exports[module]!(JSON.parse(options) as object)
await sink.open?.(columnsFor())
await sink.write([record()], patient)
