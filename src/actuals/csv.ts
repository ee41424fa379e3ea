import { Readable } from 'node:stream'
import { messageOf } from '../errors/errors.ts'
import type { Column } from '../schema/column.ts'
import { labelNames } from '../schema/columns.ts'
import { didYouMean } from '../config/nearest.ts'
import { delimited, MAX_RECORD } from './csv-delimiter.ts'
import { labelReader, memberReaders, type ReadCell } from './cells.ts'
import { createPauses, type Pause } from '../steps/time-slices.ts'
import { BATCH, UnreadableText, type NumberedReport, type Pieces } from './numbered.ts'

/** Which columns of a CSV text are what. Without it they are called as a report's members are. */
export interface CsvMapping {
  /** The column that is the prediction's id. */
  readonly id?: string | undefined
  readonly requestId?: string | undefined
  /** The columns that are labels, each with the label's name. */
  readonly labels?: readonly { readonly column: string; readonly label: string }[]
  readonly timestamp?: string | undefined
}

/** Where a cell goes. */
interface Place {
  readonly member: string
  readonly isLabel: boolean
  readonly read: ReadCell
}

const namesOf = (columns: readonly Column[]): readonly string[] => [
  ...Object.keys(memberReaders),
  ...new Set(['actual', ...labelNames(columns)]),
]

const label = (columns: readonly Column[], name: string): Place => ({
  member: name,
  isLabel: true,
  read: labelReader(columns, name),
})

const own = (member: string): Place => ({ member, isLabel: false, read: memberReaders[member]! })

/** What a header's column is; undefined: nothing that was asked for. Without a mapping every column is to be known. */
const placeOf = (name: string, columns: readonly Column[], mapping: CsvMapping): Place | undefined => {
  const mapped = mapping.labels?.find(({ column }) => column === name)
  if (mapped !== undefined) return label(columns, mapped.label)
  if (name === mapping.id) return own('id')
  if (name === mapping.requestId) return own('request_id')
  if (name === mapping.timestamp) return own('timestamp')
  // What is mapped has its column, and no other may take its place.
  const isTaken =
    ((name === 'id' || name === 'request_id') && (mapping.id ?? mapping.requestId) !== undefined) ||
    (name === 'timestamp' && mapping.timestamp !== undefined)
  if (isTaken) return undefined
  if (Object.hasOwn(memberReaders, name)) return own(name)
  if (mapping.labels !== undefined) return undefined
  return name === 'actual' || labelNames(columns).includes(name) ? label(columns, name) : undefined
}

const missing = (what: string, name: string, header: readonly string[]): UnreadableText =>
  new UnreadableText(
    `there is no column ${JSON.stringify(name)}${what}${didYouMean(name, header) || `; the header has ${header.join(', ')}`}`,
  )

const placesOf = (
  header: readonly string[],
  columns: readonly Column[],
  mapping: CsvMapping,
): (Place | undefined)[] => {
  const asked = [
    mapping.id,
    mapping.requestId,
    mapping.timestamp,
    ...(mapping.labels ?? []).map(({ column }) => column),
  ]
  for (const name of asked) if (name !== undefined && !header.includes(name)) throw missing('', name, header)
  const places = header.map((name) => placeOf(name, columns, mapping))
  if (!places.some((place) => place?.member === 'id' || place?.member === 'request_id'))
    throw missing(' nor "request_id", so nobody can tell whose actuals these are', 'id', header)
  const isMapped = Object.values(mapping).some((value) => value !== undefined)
  const unknown = header.find((_, index) => places[index] === undefined)
  if (!isMapped && unknown !== undefined)
    throw new UnreadableText(
      `column ${JSON.stringify(unknown)} is none of a report's${didYouMean(unknown, namesOf(columns)) || `: ${namesOf(columns).join(', ')}`}`,
    )
  return places
}

const reportOf = (cells: readonly string[], places: readonly (Place | undefined)[]): object => {
  const members: [string, unknown][] = []
  const labels: [string, unknown][] = []
  for (const [index, place] of places.entries()) {
    const value = place?.read(cells[index]!)
    if (place !== undefined && value !== undefined) (place.isLabel ? labels : members).push([place.member, value])
  }
  return Object.fromEntries(labels.length === 0 ? members : [...members, ['actuals', Object.fromEntries(labels)]])
}

/** Streams hand pieces on without an end of the turn: one that is there already would be parsed as a whole. */
const inTurns = async function* (pieces: AsyncIterable<string>, pause: Pause): AsyncGenerator<string> {
  for await (const piece of pieces) {
    yield piece
    await pause()
  }
}

interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/**
 * CSV (RFC 4180) with a header; delimited by commas, semicolons or tabs, whichever the header has. A row's cells are read as the types
 * of their columns are.
 *
 * @param pause that of the larger work that this is a part of
 * @throws UnreadableText where the header has no id, or columns that are nothing of a report
 */
export const csvReports = async function* (
  pieces: Pieces,
  columns: readonly Column[],
  mapping: CsvMapping = {},
  pause: Pause = createPauses(),
): AsyncGenerator<readonly NumberedReport[]> {
  const { parse } = await import('csv-parse')
  const { delimiter, all } = await delimited(pieces)
  const skipped: NumberedReport[] = []
  const parser = parse({
    delimiter,
    info: true,
    max_record_size: MAX_RECORD,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      skipped.push({ line: Number((error as { lines?: number } | undefined)?.lines ?? 0), reason: messageOf(error) })
      return undefined
    },
  })
  // A failure of the text's reader is the parser's as well, and thrown below.
  const source = Readable.from(inTurns(all, pause), { objectMode: true })
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)

  let places: (Place | undefined)[] | undefined
  let batch: NumberedReport[] = []
  const takeSkipped = (): void => {
    for (const line of skipped.splice(0)) batch.push(line)
  }
  for await (const { record, info } of parser as AsyncIterable<Parsed>) {
    if (places === undefined) {
      places = placesOf(
        record.map((name) => name.trim()),
        columns,
        mapping,
      )
      continue
    }
    takeSkipped()
    const line = info.lines
    batch.push(
      record.length === places.length
        ? { line, report: reportOf(record, places) }
        : { line, reason: `has ${record.length} cells, and the header has ${places.length}` },
    )
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  takeSkipped()
  if (places === undefined) throw new UnreadableText('there is no header')
  if (batch.length > 0) yield batch
}
