import type { Client } from '@elastic/elasticsearch'
import { PredictionsError } from '../src/errors/errors.ts'
import { resolvePeer } from '../src/peer.ts'
import type { PredictionRecord } from '../src/records/record.ts'
import type { RecordKind } from '../src/records/stored.ts'
import type { Column } from '../src/schema/column.ts'
import type { Refusal, Sink } from '../src/sink.ts'
import { bulk, type Connection, type Rejection } from './elasticsearch/bulk.ts'
import { createClients, notation, PACKAGE, send } from './elasticsearch/client.ts'
import type { Narrow } from './elasticsearch/compare.ts'
import {
  actualIndexNamer,
  documentWriter,
  fitFieldNames,
  indexNamer,
  type Document,
  type DocumentWriter,
  type DraftDocument,
} from './elasticsearch/documents.ts'
import { causeOf, unavailable, unavailableFor } from './elasticsearch/errors.ts'
import { aliasProblems, indexChanges, templateChanges, type Changes } from './elasticsearch/layout.ts'
import { mappingOf, type Fields } from './elasticsearch/mappings.ts'
import { readOptions, type ElasticsearchOptions, type ElasticsearchSinkSettings } from './elasticsearch/options.ts'
import { inLanes, requestsOf } from './elasticsearch/requests.ts'

export type { ElasticsearchOptions, IndexBy } from './elasticsearch/options.ts'

/** What `open` makes, for the writes after it. */
interface Opened extends Connection {
  readonly fields: Fields
  readonly documents: DocumentWriter
  /** Indices that were looked at. */
  readonly known: Map<string, KnownIndex>
}

interface KnownIndex {
  readonly isThere: boolean
  /** Its fields that can't hold all of our values. */
  readonly narrow: readonly Narrow[]
}

type RefusedDocument = readonly [document: Document, why: Rejection]

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
 * An index or template of a person's is taken as it is: what a field can't hold goes to `extra` with the reason. Only `id` (a text),
 * `timestamp` (a date) and `extra` (an object) have to be of these types.
 *
 * The template is added to and never replaced: shards, replicas and a lifecycle that a person has set in it stay.
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
  const { address, prefix } = settings
  return {
    ...documentSink(settings, 'prediction'),
    actuals: () => documentSink({ ...settings, prefix: `${prefix}-actuals`, address: `${address}-actuals` }, 'actual'),
  }
}

/** What writes the documents of one kind. */
const documentSink = (settings: ElasticsearchSinkSettings, kind: RecordKind): Sink => {
  const { address, prefix, migrate } = settings
  const indexOf = indexNamer(prefix, settings.indexBy)
  const clients = createClients(settings)
  let opened: Opened | undefined
  /** Ids of the batch that is being tried again which are stored already: each try has less to send. */
  const acknowledged = new Set<string>()

  const prepare = async (columns: readonly Column[]): Promise<Opened> => {
    const fitted = fitFieldNames(columns)
    return {
      client: await clients.get(),
      address,
      compression: settings.compression,
      fields: mappingOf(fitted),
      documents:
        kind === 'actual'
          ? documentWriter(fitted, actualIndexNamer(prefix, settings.indexBy), 'prediction_id')
          : documentWriter(fitted, indexOf),
      known: new Map(),
    }
  }

  const changesOf = async ({ client, fields }: Opened): Promise<Omit<Changes, 'narrow'>> => {
    const template = await templateChanges(client, prefix, fields)
    const index = await indexChanges(client, prefix, indexOf(new Date().toISOString()), fields)
    return {
      requests: [...template.requests, ...(index?.requests ?? [])],
      problems: [...(await aliasProblems(client, prefix)), ...template.problems, ...(index?.problems ?? [])],
      // The index is what counts, where it is there already.
      notes: (index ?? template).notes,
      isNew: template.isNew === true,
    }
  }

  const apply = async (
    { client }: Opened,
    { requests, problems }: Pick<Changes, 'requests' | 'problems'>,
  ): Promise<void> => {
    if (problems.length > 0) throw unavailableFor(address, problems.join('; '))
    if (requests.length > 0 && migrate === 'off')
      throw unavailableFor(address, `PREDICTIONS_MIGRATE is off, run: ${requests.map(notation).join('\n')}`)
    for (const request of requests) await send(client, request)
  }

  /** Makes an index fit; where it is missing and nothing may be created, the bulk itself does, by the template. */
  const look = async (to: Opened, index: string, signal: AbortSignal): Promise<KnownIndex> => {
    let changes = await indexChanges(to.client, prefix, index, to.fields, signal)
    if (changes === undefined) {
      // What makes an index as it has to be is the template, and somebody may have deleted that since.
      const template = await templateChanges(to.client, prefix, to.fields)
      await apply(to, template)
      if (migrate === 'off') return { isThere: false, narrow: template.narrow }
      await createIndex(to.client, index, signal)
      changes = await indexChanges(to.client, prefix, index, to.fields, signal)
    }
    if (changes) await apply(to, changes)
    return { isThere: changes !== undefined, narrow: changes?.narrow ?? [] }
  }

  /**
   * An index is looked at before the first record goes into it: next month's is not there at the start. Later it is only asked whether
   * it is still there: a bulk would make one anew that was deleted, and where its template went with it, of any types and without the
   * alias.
   */
  const expectThere = async (to: Opened, index: string, signal: AbortSignal): Promise<void> => {
    if (!to.known.get(index)?.isThere || (await isThere(to.client, index, signal))) return
    to.known.clear()
    throw unavailableFor(
      address,
      `index_not_found_exception: no such index [${index}]; it was deleted, and is made again`,
    )
  }

  /** Writes documents; resolves with those that Elasticsearch refused. Throws where some are neither stored nor refused. */
  const store = async (
    to: Opened,
    documents: AsyncIterable<Document>,
    batch: number,
    looked: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<RefusedDocument[]> => {
    const refused: RefusedDocument[] = []
    await inLanes(requestsOf(documents, batch), async (request) => {
      for (const index of new Set(request.map((document) => document.index)))
        if (!looked.has(index)) await expectThere(to, index, signal)
      const outcome = await bulk(to, request, indexOf(new Date().toISOString()), signal)
      for (const { id } of outcome.stored) acknowledged.add(id)
      // One that began meanwhile is looked at before more goes into it.
      for (const index of outcome.begun) to.known.delete(index)
      refused.push(...outcome.refused)
      if (outcome.failure) throw outcome.failure
    })
    return refused
  }

  const writeBatch = async (
    to: Opened,
    records: readonly PredictionRecord[],
    signal: AbortSignal,
  ): Promise<Refusal[]> => {
    const refusals: Refusal[] = []
    /** Indices that this write has looked at. */
    const looked = new Set<string>()
    const lookAt = async (index: string): Promise<KnownIndex> => {
      const known = await look(to, index, signal)
      to.known.set(index, known)
      looked.add(index)
      return known
    }
    const made = async function* (
      places: Iterable<number>,
      documentOf: (draft: DraftDocument, narrow: readonly Narrow[]) => Document,
    ): AsyncGenerator<Document> {
      for (const place of places) {
        const draft = to.documents.draft(records[place]!, place)
        if ('reason' in draft) refusals.push({ index: place, reason: draft.reason })
        else if (!acknowledged.has(draft.id))
          yield documentOf(draft, (to.known.get(draft.index) ?? (await lookAt(draft.index))).narrow)
      }
    }
    const all = made(records.keys(), to.documents.write)
    // 400 blames the document: it comes again with less of it indexed.
    const blamed = new Map<number, string>()
    for (const [{ place }, { status, reason }] of await store(to, all, records.length, looked, signal)) {
      if (status === 400) blamed.set(place, reason)
      else refusals.push({ index: place, reason })
    }
    const aside = made(blamed.keys(), (draft, narrow) =>
      to.documents.writeAside(draft, narrow, blamed.get(draft.place)!),
    )
    for (const [{ place }] of await store(to, aside, blamed.size, looked, signal))
      refusals.push({ index: place, reason: blamed.get(place)! })
    for (const [index, { isThere }] of to.known) if (!isThere) to.known.delete(index)
    return refusals
  }

  return {
    name: address,
    // Each write waits for the answers to its last bulks: the fewer writes a backlog takes, the better.
    batches: 10,

    async open(columns) {
      opened = undefined
      try {
        const opening = await prepare(columns)
        const changes = await changesOf(opening)
        await apply(opening, changes)
        opened = opening
        return changes.notes
      } catch (error) {
        throw asOurs(address, error)
      }
    },

    async write(records, signal) {
      if (!opened) throw unavailableFor(address, 'not open')
      try {
        const refusals = await writeBatch(opened, records, signal)
        acknowledged.clear()
        return refusals
      } catch (error) {
        throw asOurs(address, error)
      }
    },

    async close() {
      opened = undefined
      await clients.close()
    },

    async plan(columns) {
      try {
        const { requests, problems, notes, isNew } = await changesOf(await prepare(columns))
        const statements = requests.map(notation)
        return { statements, problems, ...(notes.length > 0 && { notes }), ...(isNew && { isNew }) }
      } catch (error) {
        throw asOurs(address, error)
      }
    },
  }
}

const isThere = async (client: Client, index: string, signal: AbortSignal): Promise<boolean> =>
  (await send(client, { method: 'HEAD', path: `/${encodeURIComponent(index)}` }, signal)) !== undefined

/** Creates an index by the template, unless another process just has. */
const createIndex = async (client: Client, index: string, signal: AbortSignal): Promise<void> => {
  try {
    await send(client, { method: 'PUT', path: `/${encodeURIComponent(index)}` }, signal)
  } catch (error) {
    if (causeOf(error).type !== 'resource_already_exists_exception') throw error
  }
}

/** What the client threw, as an error of this package. */
const asOurs = (address: string, error: unknown): unknown =>
  error instanceof PredictionsError ? error : unavailable(address, error)
