import { encodeInSteps } from '../formats/json-steps.ts'
import type { Change, Parts } from '../formats/instance-parts.ts'
import { encode } from '../records/json.ts'
import { finish, type Steps } from '../steps/time-slices.ts'
import { digestInSteps, emptyTexts, JoinedTexts, type TextList } from './joined-texts.ts'

/** The JSON text of each instance of one side. */
export interface InstanceTexts {
  readonly texts: TextList
  /** They were too long: each text is an empty object, and this says what was left out. */
  readonly leftOut?: { readonly value: unknown; readonly reason: string }
}

/** Named features take more text than the array that they came from; past this many times the limit they are not stored. */
const TEXT_FACTOR = 4

/** Whether texts of so many UTF-16 units together are stored. */
export const isWithinLimit = (size: number, maxBodyBytes: number): boolean => size <= TEXT_FACTOR * maxBodyBytes

/** The most instances of a step, and about how many bytes of the body they may be. */
const STEP = 256
const STEP_BYTES = 16 * 1024

/** How many of n instances are a step, of a body of so many bytes. */
const stepOf = (n: number, bytes: number): number =>
  Math.max(1, Math.min(STEP, Math.floor((STEP_BYTES * n) / Math.max(bytes, 1))))

const textSize = (texts: readonly string[]): number => {
  let size = 0
  for (const text of texts) size += text.length
  return size
}

/** Texts are cut out of the body where that is possible, and nothing in them has to be changed. */
const textsFrom = (parts: Parts, from: number, to: number, change: Change | undefined): readonly string[] =>
  (change === undefined ? parts.texts?.(from, to) : undefined) ?? parts.rows(from, to, change).map(encode)

/** One instance may be so long that it takes several steps. */
const textsOfStep = function* (
  parts: Parts,
  from: number,
  to: number,
  change: Change | undefined,
): Steps<readonly string[]> {
  const isCut = change === undefined && parts.texts !== undefined
  if (isCut || to - from > 1) return textsFrom(parts, from, to, change)
  const [row] = parts.rows(from, to, change)
  yield
  return [yield* encodeInSteps(row!)]
}

const leaveOut = function* (texts: TextList): Steps<InstanceTexts> {
  const reason = `longer than ${TEXT_FACTOR} times PREDICTIONS_MAX_BODY_BYTES as text, not stored`
  return { texts: emptyTexts(texts.length), leftOut: { value: yield* digestInSteps(texts), reason } }
}

/** All at once: their owner may change them later. */
export const makeTexts = (parts: Parts, change: Change | undefined, maxBodyBytes: number): InstanceTexts => {
  const texts = textsFrom(parts, 0, parts.count, change)
  return isWithinLimit(textSize(texts), maxBodyBytes) ? { texts } : finish(leaveOut(texts))
}

interface TextOptions {
  readonly change: Change | undefined
  /** About how large the body is that they are part of. */
  readonly bytes: number
  readonly maxBodyBytes: number
}

export const makeTextsInSteps = function* (
  parts: Parts,
  { change, bytes, maxBodyBytes }: TextOptions,
): Steps<InstanceTexts> {
  const step = stepOf(parts.count, bytes)
  const texts = new JoinedTexts(step)
  let size = 0
  for (let from = 0; from < parts.count; from += step) {
    const some = yield* textsOfStep(parts, from, Math.min(from + step, parts.count), change)
    size += textSize(some)
    texts.push(some)
    yield
  }
  return isWithinLimit(size, maxBodyBytes) ? { texts } : yield* leaveOut(texts)
}
