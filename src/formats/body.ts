import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { FormatReply, FormatRequest } from './format.ts'
import { messageOf } from '../errors/errors.ts'
import { keptText, keptWords } from '../records/cut.ts'
import { decode } from '../records/json.ts'
import { finish, type Steps } from '../steps/time-slices.ts'
import { parseJsonLines } from './json-lines.ts'
import { parseInSteps } from './json-steps.ts'
import { type CutBatch, batchOf, linesOf } from './cut-batch.ts'
import type { CutTexts } from './named-texts.ts'
import { isStream } from './is-stream.ts'
import { Snapshot } from './snapshot.ts'
import { featuresOf, type Row, type Rows, rowsOfItems } from './rows.ts'

/** What a body says, whether a parser has read it before or it came as bytes. */
export interface Content {
  /** The JSON value or, where `isText`, the text; undefined where the body could not be read. */
  readonly value: unknown
  /** A text that is no JSON: CSV, or a plain reply. */
  readonly isText: boolean
  /** The value is a list of the lines of a text in JSON Lines. */
  readonly isLines?: boolean
  /** A parser before us made the value: 64-bit integers may have lost their last digits. */
  readonly isParsed: boolean
  /** Why there is no value, or what is odd about it. */
  readonly note?: { value?: unknown; reason: string } | undefined
  /** The batch in a body of bytes, where its items need not be parsed: `value` then costs the parsing at the first look. */
  readonly batch?: CutBatch | undefined
  /** Its instances are to be made in parts, however few they are. */
  readonly inParts?: boolean | undefined
  /** The binary tensors behind the JSON, of the Open Inference protocol's extension. */
  readonly binary?: Buffer | undefined
}

type BodyMessage = Pick<FormatRequest | FormatReply, 'body' | 'contentType' | 'header'>

/** How much of a parser's message is kept, in UTF-16 code units. */
const MAX_MESSAGE = 200

/**
 * On a message: its content, read once, as `auto` looks at the keys before the format reads the body. A property: messages live
 * as long as one call, and a WeakMap of so many would keep the garbage collector busy.
 */
const kContent = Symbol('capture-predictions.content')

/** On a message: its instances are to be made in parts. */
const kInParts = Symbol('capture-predictions.in-parts')

type WithContent = BodyMessage & { [kContent]?: Content; [kInParts]?: true }

/** The content of a request's or a reply's body. Never throws; the body is read once. */
export const contentOf = (message: WithContent): Content => {
  if (!Object.isExtensible(message)) return read(message)
  return (message[kContent] ??= message[kInParts] ? forParts(read(message)) : read(message))
}

const forParts = (content: Content): Content => Object.assign(content, { inParts: true })

/** The same message. A format of ours then makes its instances in parts, so that redaction sees them before long values are shortened. */
export const toParts = <M extends WithContent>(message: M): M => {
  message[kInParts] = true
  return message
}

/** The same message, whose body is a value already, also if it is a string. */
export const withValue = <M extends WithContent>(message: M): M => {
  if (typeof message.body === 'string') message[kContent] = { value: message.body, isText: false, isParsed: true }
  return message
}

/** Reads the body of a message in steps, for `contentOf`. */
export const readInSteps = function* (message: WithContent): Steps {
  let content = message[kContent]
  if (content === undefined) content = yield* readSteps(message)
  message[kContent] = forParts(content)
  yield
}

/** A content's value for a look at its keys: with an empty list where the batch is, if that was not parsed. */
export const outlineOf = (content: Content): unknown =>
  content.batch === undefined ? content.value : content.batch.outline

/** Features whose texts were cut out of a body, and the rows that they are when somebody looks at them. Nothing in them is too long. */
export interface Cut extends CutTexts {
  rows(): Rows
}

/** The features of a content's batch, if it stands in this place and could be cut out. */
export const cutOf = (content: Content, place: 'body' | 'instances', names: readonly string[]): Cut | undefined => {
  const texts = content.batch?.place === place ? content.batch.texts(names) : undefined
  if (texts === undefined) return undefined
  const rows = () => {
    const items = place === 'body' ? content.value : (content.value as Row)[place]
    return rowsOfItems(items as unknown[], (item) => featuresOf(item, names))
  }
  return { ...texts, rows }
}

/** The media type without its parameters, in lower case: `text/csv`. */
export const mediaTypeOf = (contentType: string): string => {
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

export const isCsv = (contentType: string): boolean => /^(text|application)\/csv$/.test(mediaTypeOf(contentType))

/** JSON Lines by one of its names: none is registered. */
export const isJsonLines = (contentType: string): boolean =>
  /^(?:application|text)\/(?:x-)?(?:json-?lines?|jsonl|nd-?json)$/.test(mediaTypeOf(contentType))

const isJsonType = (mediaType: string): boolean => mediaType === '' || /[/+]json$/.test(mediaType)

const unreadable = (reason: string, value?: unknown): Content => ({
  value: undefined,
  isText: false,
  isParsed: false,
  note: value === undefined ? { reason } : { value, reason },
})

/** Most bodies were parsed before: there is nothing to be done in steps. */
const read = (message: BodyMessage): Content => parsed(message.body) ?? finish(readSteps(message))

const parsed = (body: unknown): Content | undefined => {
  if (body === undefined) return unreadable('no body')
  if (typeof body === 'string' || body instanceof Uint8Array) return undefined
  if (body instanceof Snapshot) return { value: body.value, isText: false, isParsed: true }
  if (isStream(body)) return unreadable('a stream')
  return { value: body, isText: false, isParsed: true }
}

const readSteps = function* (message: BodyMessage): Steps<Content> {
  const { body, contentType } = message
  if (typeof body === 'string') return yield* readString(body, contentType)
  if (Buffer.isBuffer(body)) return yield* readBytes(body, message)
  if (body instanceof Uint8Array)
    return yield* readBytes(Buffer.from(body.buffer, body.byteOffset, body.byteLength), message)
  return parsed(body)!
}

/** A text that is to be JSON, or a string that a JSON parser has made of one: the body `"great film"`. */
const readString = function* (text: string, contentType: string): Steps<Content> {
  const content = yield* readText(text, contentType)
  const isString = content.value === undefined && isJsonType(mediaTypeOf(contentType)) && !/^\s*[[{"]/.test(text)
  return isString ? { value: text, isText: false, isParsed: true } : content
}

const readBytes = function* (bytes: Buffer, message: BodyMessage): Steps<Content> {
  const length = message.header('inference-header-content-length')
  if (length !== undefined) return yield* readTensors(bytes, length)
  const mediaType = mediaTypeOf(message.contentType)
  if (mediaType.startsWith('multipart/')) return unreadable(`${mediaType} is not read`, digestOf(bytes))
  const charset = charsetOf(message.contentType)
  const { text, note } = textOf(bytes, charset)
  if (text === undefined) return unreadable(note ?? 'not a text', digestOf(bytes))
  if (note === undefined) return yield* readText(text, message.contentType, isUtf8Name(charset) ? bytes : undefined)
  const content = yield* readText(text, message.contentType)
  // Bytes that are no text and no JSON are kept by their digest: replacement characters would say nothing.
  if (content.value === undefined) return unreadable(`${content.note?.reason}; ${note}`, digestOf(bytes))
  return { ...content, note: { reason: note } }
}

/**
 * The binary tensor data extension: the header gives the length of the JSON, the tensors' bytes follow it.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
const readTensors = function* (bytes: Buffer, length: string): Steps<Content> {
  const end = /^\d{1,15}$/.test(length) ? Number(length) : -1
  if (end === 0) return unreadable('raw data of the only tensor, whose type the model alone knows', digestOf(bytes))
  if (end < 1 || end > bytes.length)
    return unreadable('the header Inference-Header-Content-Length does not fit the body', digestOf(bytes))
  const content = yield* readText(bytes.toString('utf8', 0, end), 'application/json')
  return { ...content, binary: bytes.subarray(end) }
}

/** @param bytes the same in UTF-8, if they are at hand */
const readText = function* (text: string, contentType: string, bytes?: Buffer): Steps<Content> {
  if (isCsv(contentType)) return { value: text, isText: true, isParsed: false }
  if (isJsonLines(contentType)) {
    const lines = yield* readLines(text, false, bytes)
    return lines ?? unreadable('no line of it is JSON', keptText(text))
  }
  const mediaType = mediaTypeOf(contentType)
  // curl sends JSON as a form unless told otherwise, so what looks like JSON is tried whatever it is called.
  if (!isJsonType(mediaType) && !/^\s*[[{]/.test(text)) {
    if (mediaType.startsWith('text/')) return { value: text, isText: true, isParsed: false }
    return unreadable(`${mediaType} is not read`, keptText(text))
  }
  const batch = bytes && (yield* batchOf(bytes))
  if (batch !== undefined) return contentOfBatch(batch, () => decode(text))
  try {
    return { value: yield* parseInSteps(text, parse), isText: false, isParsed: false }
  } catch (error) {
    const lines = yield* readLines(text, true, bytes)
    if (lines !== undefined) return lines
    return unreadable(`no JSON: ${keptWords(messageOf(error), MAX_MESSAGE)}`, keptText(text))
  }
}

/** @param isStrict every line has to be JSON, and there are two at least */
const readLines = function* (text: string, isStrict: boolean, bytes?: Buffer): Steps<Content | undefined> {
  const batch = bytes && (yield* linesOf(bytes))
  if (batch !== undefined) return contentOfBatch(batch, () => finish(parseJsonLines(text, parse, false))!.items, true)
  const lines = yield* parseJsonLines(text, parse, isStrict)
  if (lines === undefined || (isStrict && lines.items.length < 2)) return undefined
  return { value: lines.items, isText: false, isParsed: false, isLines: true, note: lines.note }
}

/** A body that is said to be JSON Lines by the configuration, whatever its content type says. */
export const readAsLines = (message: BodyMessage): Content => {
  const { body, header } = message
  return read({ body, contentType: 'application/jsonl', header: (name) => header.call(message, name) })
}

const contentOfBatch = (batch: CutBatch, parseAll: () => unknown, isLines = false): Content => {
  let value: unknown
  return {
    get value() {
      return (value ??= parseAll())
    },
    isText: false,
    ...(isLines && { isLines }),
    isParsed: false,
    batch,
  }
}

/**
 * Python's servers and TensorFlow Serving write NaN and infinities as bare words, which JSON does not have
 * (https://www.tensorflow.org/tfx/serving/api_rest#json_conformance): they become strings.
 */
const parse = (text: string): unknown => {
  try {
    return decode(text)
  } catch (error) {
    if (!(error instanceof SyntaxError) || !/NaN|Infinity/.test(text)) throw error
    return decode(
      text.replace(/"(?:[^"\\]|\\[^])*"?|-?\b(?:NaN|Infinity)\b/g, (part) => (part[0] === '"' ? part : `"${part}"`)),
    )
  }
}

const charsetOf = (contentType: string): string =>
  /;\s*charset="?([^\s;"]+)/i.exec(contentType)?.[1]?.toLowerCase() ?? 'utf-8'

const isUtf8Name = (charset: string): boolean => charset === 'utf-8' || charset === 'utf8'

const textOf = (bytes: Buffer, charset: string): { text?: string; note?: string } => {
  if (isUtf8Name(charset)) {
    const text = bytes.toString('utf8', bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0)
    return isUtf8(bytes) ? { text } : { text, note: 'invalid UTF-8: replaced by U+FFFD' }
  }
  try {
    return { text: new TextDecoder(charset).decode(bytes) }
  } catch {
    return { note: 'unknown charset' }
  }
}

/** What stands for bytes that are not stored. */
export const digestOf = (bytes: Uint8Array) => ({
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})
