import type { Client } from '@elastic/elasticsearch'
import { hasCode, PredictionsError } from '../src/errors.ts'
import { resolvePeer } from '../src/peer.ts'
import type { Column } from '../src/schema/column.ts'
import type { Sink } from '../src/sink.ts'
import { bulk, requestsOf, type Rejection } from './elasticsearch/bulk.ts'
import { createClient, notation, PACKAGE, send } from './elasticsearch/client.ts'
import {
  documentWriter,
  fitFieldNames,
  indexNamer,
  type Document,
  type DocumentWriter,
} from './elasticsearch/documents.ts'
import { causeOf, unavailable, unavailableFor } from './elasticsearch/errors.ts'
import { aliasProblems, indexChanges, templateChanges, type Changes } from './elasticsearch/layout.ts'
import { propertiesOf, type Fields } from './elasticsearch/mappings.ts'
import { readOptions, type ElasticsearchOptions } from './elasticsearch/options.ts'

export type { ElasticsearchOptions, IndexBy } from './elasticsearch/options.ts'

/** What `open` makes, for the writes after it. */
interface Opened {
  readonly client: Client
  readonly fields: Fields
  readonly documents: DocumentWriter
  /** Indices whose fields were seen to fit. */
  readonly checked: Set<string>
}

/**
 * Predictions as documents of Elasticsearch 8.14 or later: one index a month by the record's timestamp, an index template
 * that types their fields, and an alias over all of them. A document is the row, with features and outputs nested
 * (`features.sepal_length`) and `@timestamp` beside `timestamp`.
 *
 * Documents are created with the record's id, so a batch can be sent again after any doubt. What Elasticsearch refuses for its
 * features, outputs or tags is stored with those in `extra`, unindexed, and the reason beside them.
 *
 * Without a schema features and outputs get their fields from what comes: numbers are doubles, strings keywords, and a later
 * value of another type is kept and not indexed. The first 1,000 fields are indexed.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the options are wrong; the message lists every mistake
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: `npm install @elastic/elasticsearch`
 *
 * @example
 * import { capturePredictions } from 'capture-predictions/express'
 * import { elasticsearch } from 'capture-predictions/sinks/elasticsearch'
 *
 * app.use(capturePredictions({ sink: elasticsearch({ url: 'elasticsearch://localhost:9200/predictions' }) }))
 */
export const elasticsearch = (options: ElasticsearchOptions): Sink => {
  const settings = readOptions(options)
  resolvePeer(PACKAGE)
  const { address, prefix, migrate } = settings
  const indexOf = indexNamer(prefix, settings.indexBy)
  let opened: Opened | undefined

  const prepare = async (columns: readonly Column[]): Promise<Opened> => {
    const fitted = fitFieldNames(columns)
    return {
      client: await createClient(settings),
      fields: propertiesOf(fitted),
      documents: documentWriter(fitted, indexOf),
      checked: new Set(),
    }
  }

  const changesOf = async ({ client, fields }: Opened): Promise<Changes> => {
    const template = await templateChanges(client, prefix, fields)
    const index = await indexChanges(client, prefix, indexOf(new Date().toISOString()), fields)
    return {
      requests: [...template.requests, ...(index?.requests ?? [])],
      problems: [...(await aliasProblems(client, prefix)), ...template.problems, ...(index?.problems ?? [])],
    }
  }

  const apply = async ({ client }: Opened, { requests, problems }: Changes): Promise<void> => {
    if (problems.length > 0) throw unavailableFor(address, problems.join('; '))
    if (requests.length > 0 && migrate === 'off')
      throw unavailableFor(address, `PREDICTIONS_MIGRATE is off, run: ${requests.map(notation).join('\n')}`)
    for (const request of requests) await send(client, request)
  }

  /** Whether an index's fields fit, before the first record goes into it: next month's is not there at the start. */
  const ensure = async (to: Opened, index: string, signal: AbortSignal): Promise<void> => {
    if (to.checked.has(index)) return
    let changes = await indexChanges(to.client, prefix, index, to.fields, signal)
    if (changes === undefined && migrate === 'auto') {
      await createIndex(to.client, index, signal)
      changes = await indexChanges(to.client, prefix, index, to.fields, signal)
    }
    if (changes) await apply(to, changes)
    to.checked.add(index)
  }

  /** Writes the records at some places of a batch, by one way of making documents; resolves with the refused ones, by place. */
  const store = async (
    to: Opened,
    places: Iterable<number>,
    documentAt: (place: number) => Document | Rejection,
    signal: AbortSignal,
  ): Promise<Map<number, Rejection>> => {
    const refused = new Map<number, Rejection>()
    const entries: { place: number; document: Document }[] = []
    for (const place of places) {
      const document = documentAt(place)
      if ('reason' in document) refused.set(place, document)
      else entries.push({ place, document })
    }
    const documents = entries.map(({ document }) => document)
    for (const index of new Set(documents.map((document) => document.index))) await ensure(to, index, signal)
    for (const [start, end] of requestsOf(documents)) {
      const rejections = await bulk(to.client, address, documents.slice(start, end), signal)
      for (const [at, rejection] of rejections) refused.set(entries[start + at]!.place, rejection)
    }
    return refused
  }

  return {
    name: address,

    async open(columns) {
      await opened?.client.close()
      opened = undefined
      try {
        const opening = await prepare(columns)
        opened = opening
        await apply(opening, await changesOf(opening))
      } catch (error) {
        throw asOurs(address, error)
      }
    },

    async write(records, signal) {
      if (!opened) throw unavailableFor(address, 'not open')
      const { documents } = opened
      try {
        const refused = await store(opened, records.keys(), (place) => documents.write(records[place]!), signal)
        const aside = [...refused.keys()].filter((place) => refused.get(place)!.status === 400)
        const setAside = (place: number) => documents.writeAside(records[place]!, refused.get(place)!.reason)
        const lost = await store(opened, aside, setAside, signal)
        for (const place of aside) if (!lost.has(place)) refused.delete(place)
        return Array.from(refused, ([index, { reason }]) => ({ index, reason }))
      } catch (error) {
        throw asOurs(address, error)
      }
    },

    async close() {
      await opened?.client.close()
      opened = undefined
    },

    async plan(columns) {
      const planning = await prepare(columns)
      try {
        const { requests, problems } = await changesOf(planning)
        return { statements: requests.map(notation), problems }
      } catch (error) {
        throw asOurs(address, error)
      } finally {
        await planning.client.close()
      }
    },
  }
}

/** Creates an index by the template, unless another process just has. */
const createIndex = async (client: Client, index: string, signal: AbortSignal): Promise<void> => {
  try {
    await send(client, { method: 'PUT', path: `/${encodeURIComponent(index)}` }, signal)
  } catch (error) {
    if (causeOf(error).type !== 'resource_already_exists_exception') throw error
  }
}

const asOurs = (address: string, error: unknown): unknown =>
  error instanceof PredictionsError || hasCode(error, 'PREDICTIONS_BATCH_REFUSED') ? error : unavailable(address, error)
