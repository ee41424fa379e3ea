import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { Capture } from '../capture/capture.ts'
import { asRunning, isCapture, type RunningCapture } from '../capture/running-capture.ts'
import { PredictionsError } from '../errors/errors.ts'
import { decompress } from '../http/decompress.ts'
import { isEmptyBody } from '../http/empty-body.ts'
import { nextTurn } from '../steps/real-timers.ts'
import { createPauses, finish, finishInTurns, type Pause } from '../steps/time-slices.ts'
import { BATCH, UnreadableText, type NumberedReport } from './numbered.ts'
import { reportsOf } from './report-bodies.ts'

export interface ReceiveOptions {
  /**
   * A larger body is answered with 413, in bytes. What the app's own parser reads has that parser's limit.
   * @default 16777216
   */
  readonly maxBodyBytes?: number | undefined
}

/** A report that was not taken: by its place, and in a text by its line too. */
interface RejectedLine {
  readonly index: number
  readonly line?: number
  readonly reason: string
}

/** What the client is answered. */
export interface ActualsReply {
  readonly status: number
  readonly body: {
    readonly accepted: number
    readonly rejected: readonly RejectedLine[]
    /** What is wrong with the body as a whole. */
    readonly error?: string
  }
}

/** One request as its framework knows it. */
export interface ActualsRequest {
  readonly req: IncomingMessage
  /** The body as the framework's parser left it; undefined, or an empty object: no parser has read it. */
  readonly body: unknown
  /** What `readBody` gave, where the framework let nobody else read it. */
  readonly read?: ReadBody | undefined
}

/** A body as it was sent, unpacked; or what the client is answered where it can't be had. */
export type ReadBody = { readonly body: unknown } | ActualsReply

/** Of a body that reports actuals, unless told otherwise. */
export const DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024

const failed = (status: number, error: string): ActualsReply => ({ status, body: { accepted: 0, rejected: [], error } })

/** Whether a parser has read the body. */
const isParsed = ({ req, body }: ActualsRequest): boolean => body != null && (req.readableEnded || !isEmptyBody(body))

/** The request's bytes; undefined where there are more than `maxBytes`. */
const readBytes = async (stream: Readable, maxBytes: number): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const tooLarge = (maxBytes: number): ActualsReply =>
  failed(413, `the body has more than ${maxBytes} bytes: send it in parts, or use capture-predictions actuals import`)

/**
 * Reads a request's body, behind its Content-Encoding.
 * @param stream what its bytes are read from, where that is not the request itself
 */
export const readBody = async (
  req: IncomingMessage,
  maxBytes: number = DEFAULT_MAX_BODY_BYTES,
  stream: Readable = req,
): Promise<ReadBody> => {
  const { 'content-length': length, 'content-encoding': encoding } = req.headers
  const bytes = Number(length) > maxBytes ? undefined : await readBytes(stream, maxBytes)
  if (bytes === undefined) {
    // What the client is still sending goes nowhere: else it waits, and the connection with it.
    stream.resume()
    return tooLarge(maxBytes)
  }
  const plain = decompress(bytes, encoding, maxBytes)
  if (plain.bytes !== undefined) return { body: plain.bytes }
  return plain.reason.startsWith('larger') ? tooLarge(maxBytes) : failed(415, plain.reason)
}

const bodyOf = async (request: ActualsRequest, maxBytes: number): Promise<ReadBody> => {
  if (request.read !== undefined) return request.read
  if (isParsed(request)) return { body: request.body }
  if (!request.req.readableEnded) return readBody(request.req, maxBytes)
  return failed(400, 'the body is empty: send a report, a list of them, NDJSON or CSV')
}

/** Reports batch after batch, each in its place. Nothing else waits for it for long. */
const reportAll = async (
  capture: RunningCapture,
  batches: AsyncIterable<readonly NumberedReport[]>,
  pause: Pause,
): Promise<ActualsReply> => {
  const rejected: RejectedLine[] = []
  const waits: (Promise<void> | undefined)[] = []
  let count = 0
  let unreadable: string | undefined
  const reject = (index: number, line: number, reason: string): void =>
    void rejected.push(line === 0 ? { index, reason } : { index, line, reason })

  const reportBatch = async (batch: readonly NumberedReport[]): Promise<void> => {
    const places: number[] = []
    const reports: unknown[] = []
    for (const [at, numbered] of batch.entries()) {
      if ('reason' in numbered) reject(count + at, numbered.line, numbered.reason)
      else {
        places.push(at)
        reports.push(numbered.report)
      }
    }
    const { rejected: refused, safe } = await finishInTurns(capture.takeReports(reports), pause)
    for (const { index, reason } of refused) reject(count + places[index]!, batch[places[index]!]!.line, reason)
    waits.push(safe)
    count += batch.length
  }

  try {
    for await (const batch of batches) {
      // Whoever has parsed so many, the app's parser or we, has taken enough of this turn.
      if (count === 0 && batch.length === BATCH) await nextTurn()
      await reportBatch(batch)
      await pause()
    }
  } catch (error) {
    if (!(error instanceof UnreadableText)) throw error
    // What came before is kept.
    unreadable = error.message
  }
  await Promise.all(waits)
  rejected.sort((a, b) => a.index - b.index)
  if (count === 0) unreadable ??= 'there is no report in the body'
  const accepted = count - rejected.length
  const body = { accepted, rejected, ...(unreadable === undefined ? {} : { error: unreadable }) }
  return { status: accepted > 0 ? 202 : 400, body }
}

const FULL = 'actuals cannot be recorded at the moment, try again later'

const receive = async (capture: RunningCapture, request: ActualsRequest, maxBytes: number): Promise<ActualsReply> => {
  if (capture.rejectsActuals()) return failed(503, FULL)
  const read = await bodyOf(request, maxBytes)
  if ('status' in read) return read
  const pause = createPauses()
  const type = request.req.headers['content-type']
  return reportAll(capture, reportsOf(read.body, type, capture.actualColumns(), pause), pause)
}

/** What `capturePredictions` returned, or a capture. */
export const captureIn = (predictions: Capture | { readonly capture: Capture }): RunningCapture => {
  if (isCapture(predictions)) return asRunning(predictions)
  const { capture } = (predictions ?? {}) as { capture?: unknown }
  if (isCapture(capture)) return asRunning(capture)
  throw new PredictionsError(
    'PREDICTIONS_BAD_CONFIGURATION',
    'receiveActuals takes what capturePredictions() returned, or a capture made by createCapture',
  )
}

/**
 * What all integrations do with a request that reports actuals: reads its body (one report, a list, `{"reports": [...]}`, NDJSON or CSV
 * with a header), puts what it says into the outbox, and gives the answer. The function that it returns never rejects.
 *
 * - 202: some were accepted, and are in the outbox; of the others the reason, by index and line
 * - 400: none was, or the body can't be read
 * - 413: the body is too large; 415: its content encoding is not known
 * - 503: the outbox is full, and `PREDICTIONS_WHEN_FULL` is `reject`
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: no sink of the capture takes actuals
 */
export const createActualsReceiver = (
  predictions: Capture | { readonly capture: Capture },
  { maxBodyBytes = DEFAULT_MAX_BODY_BYTES }: ReceiveOptions = {},
): ((request: ActualsRequest) => Promise<ActualsReply>) => {
  const capture = captureIn(predictions)
  finish(capture.takeReports([]))
  return async (request) => {
    try {
      return await receive(capture, request, maxBodyBytes)
    } catch (error) {
      capture.fault('receiving actuals', error)
      return failed(500, 'the actuals could not be read')
    }
  }
}
