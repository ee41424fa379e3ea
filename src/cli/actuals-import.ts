import { createReadStream, createWriteStream, rmSync, statSync, type WriteStream } from 'node:fs'
import { once } from 'node:events'
import { extname } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { createActuals } from '../actuals/actuals.ts'
import { csvReports, type CsvMapping } from '../actuals/csv.ts'
import { mappedReports, ndjsonReports } from '../actuals/ndjson.ts'
import { UnreadableText, type NumberedReport } from '../actuals/numbered.ts'
import { encodingOf } from '../actuals/report-bodies.ts'
import { resolveSettings } from '../config/settings.ts'
import type { Settings } from '../config/options.ts'
import { createDelivery, type Delivery } from '../delivery/delivery.ts'
import { messageOf } from '../errors/errors.ts'
import { openOutbox } from '../outbox/outbox.ts'
import { createRedactor } from '../redact/redaction.ts'
import { actualColumnsOf } from '../schema/columns.ts'
import { openAllSinks } from '../sinks.ts'
import { captureOptions, count, UsageError, type ArgumentValues, type Invocation, type Terminal } from './command.ts'
import { bar } from './drain.ts'

/** So many records may wait for a sink: then reading waits. */
const MAX_QUEUED = 20_000
const PROGRESS_MS = 200
const CLOSE_MS = 10_000

const text = (values: ArgumentValues, name: string): string | undefined => values[name] as string | undefined

/** `--actual COLUMN`, `--actual COLUMN=NAME`, as often as wanted. */
const mappingOf = (values: ArgumentValues): CsvMapping => {
  const actual = (values['actual'] ?? []) as unknown as readonly string[]
  const [id, requestId, timestamp] = [text(values, 'id'), text(values, 'request-id'), text(values, 'timestamp')]
  if (id !== undefined && requestId !== undefined) throw new UsageError('say --id or --request-id, not both')
  const labels = actual.map((word) => {
    const [, column, label] = /^(.*?)(?:=([^=]+))?$/s.exec(word)!
    return { column: column!, label: label ?? 'actual' }
  })
  return { id, requestId, timestamp, ...(labels.length > 0 && { labels }) }
}

/** A file's text in pieces, in the encoding that its first bytes tell. */
const piecesOf = async function* (
  source: AsyncIterable<Buffer>,
  read: (bytes: number) => void,
  isStopped: () => boolean,
): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined
  let bytes = 0
  try {
    for await (const chunk of source) {
      if (isStopped()) return
      decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true })
      bytes += chunk.length
      read(chunk.length)
      yield decoder.decode(chunk, { stream: true })
    }
    if (decoder) yield decoder.decode()
  } catch (error) {
    // It was closed while it was waited for.
    if (isStopped()) return
    if (!(error instanceof TypeError)) throw error
    throw new UnreadableText(
      `is not UTF-8, about byte ${bytes}, nor does it begin with a mark of UTF-16: save it in UTF-8`,
    )
  }
}

type TextFormat = 'csv' | 'ndjson'

const formatOf = (file: string, given: string | undefined): TextFormat | undefined => {
  if (given !== undefined && given !== 'csv' && given !== 'ndjson')
    throw new UsageError(`--format is csv or ndjson, not ${JSON.stringify(given)}`)
  if (given !== undefined) return given as TextFormat
  const ending = extname(file).toLowerCase()
  if (['.csv', '.tsv'].includes(ending)) return 'csv'
  return ['.ndjson', '.jsonl'].includes(ending) ? 'ndjson' : undefined
}

/** Where the format was not said, and no ending says it: by the first character. */
const readReports = async function* (
  pieces: AsyncGenerator<string>,
  format: TextFormat | undefined,
  columns: ReturnType<typeof actualColumnsOf>,
  mapping: CsvMapping,
): AsyncGenerator<readonly NumberedReport[]> {
  const first = await pieces.next()
  const all = async function* (): AsyncGenerator<string> {
    if (first.done !== true) yield first.value
    yield* pieces
  }
  const start = first.done === true ? '' : first.value.trimStart()
  if (start === '') throw new UnreadableText('is empty')
  if (format !== 'csv' && start.startsWith('['))
    throw new UnreadableText('is a list in JSON: give a report a line (NDJSON)')
  const isJson = format === 'ndjson' || (format === undefined && start.startsWith('{'))
  if (isJson) yield* mappedReports(ndjsonReports(all()), mapping)
  else yield* csvReports(all(), columns, mapping)
}

/** Refused lines with their reasons, in a file that is there only when there are any. */
const createRejects = (path: string | undefined, terminal: Terminal) => {
  let file: WriteStream | undefined
  let rejected = 0
  if (path !== undefined) rmSync(path, { force: true })
  return {
    add(line: number, reason: string): void {
      rejected++
      const words = `line ${line}: ${reason.replace(/\s+/g, ' ')}`
      if (path === undefined) return terminal.err(words)
      file ??= createWriteStream(path)
      file.write(`${words}\n`)
    },
    count: () => rejected,
    async end(): Promise<void> {
      if (file === undefined) return
      file.end()
      await once(file, 'finish')
    },
  }
}

const openDeliveries = async (settings: Settings) => {
  const sinks = openAllSinks(settings).filter(({ kind }) => kind === 'actual')
  if (sinks.length === 0) throw new UsageError('none of the sinks takes actuals')
  const { logger, outboxDir, outboxMaxBytes: maxBytes } = settings
  const outbox = openOutbox({ directory: outboxDir, maxBytes, logger, sinks: sinks.map(({ sink }) => sink.name) })
  await outbox.ready
  const deliveries = sinks.map(({ sink, columns }) =>
    createDelivery({ sink, queue: outbox.queue(sink.name), columns: () => columns, settings, logger }),
  )
  for (const delivery of deliveries) delivery.start()
  return { outbox, deliveries }
}

/** Waits until the sinks have caught up; memory and disk stay as they are, however large the file is. */
const untilRoom = async (deliveries: readonly Delivery[], isStopped: () => boolean): Promise<void> => {
  while (deliveries.some((delivery) => delivery.full || delivery.stats().queued > MAX_QUEUED)) {
    if (isStopped()) return
    await wait(5)
  }
}

const sizeOf = (file: string): number => {
  try {
    return statSync(file).size
  } catch (error) {
    throw new UsageError(`${file} can't be read: ${messageOf(error)}`)
  }
}

const quiet = (terminal: Terminal) => ({
  info() {},
  warn: (line: string) => terminal.err(line),
  error: (line: string) => terminal.err(line),
})

/** `capture-predictions actuals import FILE|-` */
export const importActuals = async ({ values, positionals, terminal }: Invocation): Promise<number> => {
  const [, file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new UsageError('name one file, or - for standard input')
  const isInput = file === '-'
  const size = isInput ? undefined : sizeOf(file)
  const mapping = mappingOf(values)
  const format = formatOf(file, text(values, 'format'))
  const settings = resolveSettings({ ...captureOptions(values), logger: quiet(terminal) })
  const columns = actualColumnsOf(settings.schema)
  const read = createActuals({ columns: () => columns, redactor: createRedactor(settings.redact, settings.redactKey) })
  const { outbox, deliveries } = await openDeliveries(settings)
  const rejects = createRejects(isInput ? undefined : `${file}.rejected`, terminal)

  const source: Readable = isInput ? process.stdin : createReadStream(file)
  let isStopped = false
  terminal.onStop(() => {
    isStopped = true
    source.destroy()
  })
  let bytes = 0
  let accepted = 0
  let shown = 0
  const started = performance.now()
  const show = (): void => {
    const now = performance.now()
    if (now - shown < PROGRESS_MS) return
    shown = now
    const rate = `${count(accepted)} accepted, ${count(Math.round((accepted * 1000) / (now - started)))}/s`
    terminal.progress(size === undefined ? rate : `${bar(bytes, size)} bytes, ${rate}`)
  }

  const report = (batch: readonly NumberedReport[]): void => {
    const readable = batch.filter((numbered) => 'report' in numbered)
    for (const numbered of batch) if ('reason' in numbered) rejects.add(numbered.line, numbered.reason)
    const { lines, rejected, accepted: taken } = read(readable.map((numbered) => numbered.report))
    for (const { index, reason } of rejected) rejects.add(readable[index]!.line, reason)
    accepted += taken
    if (lines.length > 0) for (const delivery of deliveries) delivery.append(lines)
  }

  let failure: string | undefined
  try {
    const pieces = piecesOf(
      source as AsyncIterable<Buffer>,
      (some) => (bytes += some),
      () => isStopped,
    )
    for await (const batch of readReports(pieces, format, columns, mapping)) {
      if (isStopped) break
      await untilRoom(deliveries, () => isStopped)
      report(batch)
      show()
    }
  } catch (error) {
    if (!(error instanceof UnreadableText)) throw error
    // Of a text that was cut off nobody can tell.
    if (!isStopped) failure = error.message
  }

  const stopping = new AbortController()
  terminal.onStop(() => stopping.abort())
  const flushed = Promise.all(deliveries.map((delivery) => delivery.flush(isStopped ? { timeoutMs: CLOSE_MS } : {})))
  await Promise.race([flushed, once(stopping.signal, 'abort')])
  for (const delivery of deliveries) await delivery.close({ timeoutMs: CLOSE_MS })
  await outbox.close()
  await rejects.end()
  terminal.progress('')

  const sum = (key: 'written' | 'deadLettered' | 'queued'): number =>
    deliveries.reduce((total, delivery) => total + delivery.stats()[key], 0)
  const refused = rejects.count()
  const where = refused > 0 && !isInput ? ` (${file}.rejected)` : ''
  terminal.out(
    `${count(accepted)} reports accepted, ${count(refused)} refused${where}; ${count(sum('written'))} records written or there already, ${count(sum('deadLettered'))} dead letters, ${count(sum('queued'))} left`,
  )
  if (failure !== undefined) terminal.err(`${file} ${failure}`)
  if (isStopped)
    terminal.err('stopped: what was accepted is stored or in the outbox; run it again, nothing is stored twice')
  const isWell = refused === 0 && failure === undefined && !isStopped && sum('deadLettered') + sum('queued') === 0
  return isWell ? 0 : 1
}
