import type { Format, FormatRequest } from './format.ts'
import { contentOf, outlineOf } from './body.ts'
import { json } from './json.ts'
import { requestReading } from './readings.ts'
import { readOutputs } from './replies.ts'
import { isObject } from './rows.ts'
import { type Orient, orientOf, rowsOfTable } from './tables.ts'

/** A schema that has one of the members as a list says that it is a value, not a column of a batch. */
const mayBeColumns = (names: readonly string[], { featureNames, listNames }: FormatRequest): boolean =>
  featureNames.length === 0
    ? names.length > 1
    : names.some((name) => featureNames.includes(name)) && !names.some((name) => listNames?.has(name))

const orientOfRequest = (request: FormatRequest): Orient | undefined => {
  const value = outlineOf(contentOf(request))
  const orient = orientOf(value)
  return orient === 'list' && !mayBeColumns(Object.keys(value as object), request) ? undefined : orient
}

/**
 * A table as pandas' own exports write it, as the body: see `Orient`. A list of records, or of rows, is the format `json`.
 *
 * Nothing signs these bodies, so `auto` decides by their keys and shapes, and `capture.stats().formats` says what it took for what:
 * `pandas-split`, `pandas-table`, `pandas-columns`, `pandas-index`, `pandas-list`. An object of lists of equal length is `list` unless
 * the schema has its members as lists. JSON's numbered members come in the order of their numbers, whatever it was in the text.
 */
export const pandas: Format = {
  name: 'pandas',
  readRequest(request) {
    const orient = orientOfRequest(request)
    if (orient === undefined) return json.readRequest(request)
    const content = contentOf(request)
    if (!isObject(content.value)) return json.readRequest(request)
    return requestReading(request, content, { features: rowsOfTable(content.value, orient), isBatch: true })
  },
  readReply: readOutputs,
}

const byOrient = Object.fromEntries(
  (['split', 'table', 'columns', 'index', 'list'] as const).map((orient) => [
    orient,
    { ...pandas, name: `pandas-${orient}` },
  ]),
) as Readonly<Record<Orient, Format>>

/** The same by the name of the orient that a request has; undefined: it is no table. */
export const pandasFor = (request: FormatRequest): Format | undefined => {
  const orient = orientOfRequest(request)
  return orient && byOrient[orient]
}
