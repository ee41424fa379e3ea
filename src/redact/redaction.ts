import { createHash } from 'node:crypto'
import { encode } from '../records/json.ts'
import type { Members } from '../records/members.ts'
import { followPath, SOURCES, stepsOf, type RecordPart, type Step } from './rules.ts'
import { createSecrets } from './secrets.ts'
import { watchUnmatched, type UnmatchedRules } from './unmatched.ts'
import { hashed, maskText, redactBelow, type Replace } from './values.ts'

/** Rules of redaction, compiled; made once for a capture. */
export interface Redactor {
  /** One exchange's redaction: it remembers what it took out. */
  start(): Redaction
}

export interface Redaction {
  /** `value` without what the rules name. What changes is copied, the rest is shared, nothing is changed in place; never throws. */
  apply(source: RecordPart, value: unknown): unknown
  /** A value, and JSON text, without what was taken out so far: another body of the exchange may say it again, in another form. */
  clean(value: unknown): unknown
  cleanJson(json: string): string
  /** Free text, such as an error's message, without the values that were taken out so far. */
  text(text: string): string
  /** Notes by path, `{ 'features.email': { value, reason } }`: what a rule names as by the rule, all else as free text. */
  extra(notes: Members): Members
  /** What stands for a body that could not be taken apart, so that no rule could be applied. Its words are taken out of free text. */
  raw(body: unknown): { readonly bytes: number; readonly sha256: string }
}

/**
 * Redaction by rules: a path, and `:mask` or `:hash` if the value is not to be dropped.
 *
 * - `email` is the member of features, outputs and tags alike; `features.email` that of the features only
 * - `user.address.zip`, `items.0.price` or `items[0].price` go deeper; `*` is any one member or item, `**` any number of levels:
 *   `**.email` is every `email`. A name with dots in it, `{ "user.email": … }`, is matched as the path that it spells
 * - `email` is also `email_0`, `email_1`, …, as a tensor of that name gives
 * - drop: the member is left out; an item of an array becomes null
 * - mask: `****` and the last four characters; of four or fewer, of booleans and of objects, `****` alone
 * - hash: HMAC-SHA-256 in hexadecimal of the value's text: of a string itself, of a number its decimal notation, of an object its
 *   JSON with sorted members. The same value has the same hash in all services with the same key
 * - null stays null. Of several rules for one value the first counts
 *
 * Values that were taken out stand nowhere else in a record: features, outputs, tags, `error` and `extra` are searched for them, in any
 * case of letters, also within longer texts and as JSON, URLs and HTML spell them. Not searched for are texts of fewer than four
 * characters, numbers of fewer than five digits, booleans, and `true`, `false`, `null` and `none` as texts.
 *
 * @param warn told once of a rule that seems to miss what it is meant for
 * @returns undefined without rules
 * @example
 * const redaction = createRedactor(['email', 'ssn:hash'], key)?.start()
 * redaction?.apply('features', { age: 41, email: 'a@example.org' }) // { age: 41 }
 * redaction?.text('no account for a@example.org') // 'no account for [redacted]'
 */
export const createRedactor = (
  rules: readonly string[],
  key: string | undefined,
  warn: (message: string) => void = () => {},
): Redactor | undefined => {
  if (rules.length === 0) return undefined
  const steps = Object.fromEntries(SOURCES.map((source) => [source, stepsOf(rules, source)])) as StepsBySource
  const unmatched = watchUnmatched(rules, warn)
  return { start: () => startRedaction(steps, key ?? '', unmatched.next() ? unmatched : undefined) }
}

/** A form's text as it was meant. */
const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return ''
  }
}

type StepsBySource = Readonly<Record<RecordPart, readonly Step[]>>

const startRedaction = (steps: StepsBySource, key: string, unmatched: UnmatchedRules | undefined): Redaction => {
  /** What was made here: a value that comes by again is not redacted twice. */
  const made = new Set<unknown>()
  const secrets = createSecrets((text) => made.has(text))
  /** Bodies that were looked at for what rules miss: one instance of each says enough. */
  const looked = new Set<RecordPart>()

  const replace: Replace = (action, value, rule) => {
    unmatched?.matched(rule)
    if (value == null || made.has(value)) return value
    secrets.add(value)
    if (action === 'drop') return undefined
    const replaced = action === 'mask' ? maskText(value) : hashed(value, key)
    made.add(replaced)
    return replaced
  }

  const redactNote = (path: string, note: unknown): unknown => {
    const [source, ...below] = path.split('.')
    const known = SOURCES.find((name) => name === source)
    if (known === undefined || typeof note !== 'object' || note === null || !('value' in note)) return note
    const verdict = followPath(steps[known], below)
    const { value, ...rest } = note
    const redacted =
      verdict.action === undefined
        ? redactBelow(value, verdict.below, replace)
        : replace(verdict.action, value, verdict.rule ?? '')
    return { value: redacted, ...rest }
  }

  return {
    apply(source, value) {
      if (unmatched !== undefined && !looked.has(source)) {
        looked.add(source)
        unmatched.look(value)
      }
      return redactBelow(value, steps[source], replace)
    },
    clean: secrets.removeFromValue,
    cleanJson: secrets.removeFromJson,
    text: secrets.removeFrom,
    extra: (notes) => {
      // First all that the rules name, then what of it stands in the other notes.
      const redacted = Object.entries(notes).map(([path, note]) => [path, redactNote(path, note)] as const)
      return Object.fromEntries(
        redacted.map(([path, note]) => [secrets.removeFrom(path), secrets.removeFromNote(note)]),
      )
    },
    raw: (body) => {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : encode(body))
      const text = bytes.toString()
      secrets.addWords(text)
      secrets.addWords(unescaped(text))
      return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    },
  }
}
