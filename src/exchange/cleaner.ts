import { messageOf } from '../errors/errors.ts'
import type { Change, Side } from '../formats/instance-parts.ts'
import type { Redaction } from '../redact/redaction.ts'

type Members = Record<string, unknown>

/** Takes what redaction hides out of all that one exchange says. */
export interface Cleaner {
  /** Whether there are rules: else everything stays as it is. */
  readonly hasRules: boolean
  /** What is done to each row of one side before anything of it is shortened; undefined: nothing. */
  changeOf(side: Side): Change | undefined
  /** A value of a reply that is no row. */
  ofReply(value: unknown): unknown
  /** What stands for a body, or a part of one, that could not be taken apart. */
  raw(body: unknown): unknown
  /** A body is not read: nobody knows what a free text may tell of it. */
  unread(): void
  /** Tags and notes: without what the rules name in them, and without what was taken out of the rest. To be called when all bodies are read. */
  beside(
    tags: Members | undefined,
    extra: Members | undefined,
  ): { tags: Members | undefined; extra: Members | undefined }
  /** An instance's features or outputs without what was taken out of anything else, which is known when all is read. */
  json(json: string | undefined): string | undefined
  text(text: string | undefined): string | undefined
  /** Undefined: it may tell what redaction would have taken out of a body, if it had been read. */
  error(error: string | undefined): string | undefined
  /** The log is no place for what redaction hides either: of what could not be read, no word is told. */
  fault(error: unknown, unread: unknown): unknown
}

/** Of all captures that have no rules: no request makes one. */
const asItIs: Cleaner = {
  hasRules: false,
  changeOf: () => undefined,
  ofReply: (value) => value,
  raw: (body) => body,
  unread() {},
  beside: (tags, extra) => ({ tags, extra }),
  json: (json) => json,
  text: (text) => text,
  error: (error) => error,
  fault: (error) => error,
}

const byRules = (redaction: Redaction): Cleaner => {
  let isUnredacted = false
  const text = (given: string | undefined) => (given === undefined ? undefined : redaction.text(given))
  return {
    hasRules: true,
    changeOf: (side) => (row) => redaction.apply(side, row) as Members,
    ofReply: (value) => redaction.apply('outputs', value),
    raw: redaction.raw,
    unread() {
      isUnredacted = true
    },
    beside(tags, extra) {
      // First by the rules, so that the values of each are known when the others are searched for them.
      const ruled = tags && (redaction.apply('tags', tags) as Members)
      const notes = extra && redaction.extra(extra)
      return { tags: ruled && (redaction.clean(ruled) as Members), extra: notes }
    },
    json: (json) => (json === undefined ? undefined : redaction.cleanJson(json)),
    text,
    error: (error) => (isUnredacted ? undefined : text(error)),
    fault(error, unread) {
      try {
        if (unread !== undefined) redaction.raw(unread)
        return redaction.text(messageOf(error))
      } catch {
        return 'an error that could not be cleaned of redacted values'
      }
    },
  }
}

export const cleanerBy = (redaction: Redaction | undefined): Cleaner =>
  redaction === undefined ? asItIs : byRules(redaction)
