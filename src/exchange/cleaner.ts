import { messageOf } from '../errors/errors.ts'
import type { Change, Side } from '../formats/instance-parts.ts'
import type { Members } from '../records/members.ts'
import type { Redaction } from '../redact/redaction.ts'

/** Takes what redaction hides out of all that one exchange says. */
export interface Cleaner {
  /** Whether there are rules. Without any, everything stays as it is. */
  readonly hasRules: boolean
  /** What redaction does to each row of one side, before long values are shortened; undefined: nothing. */
  changeOf(side: Side): Change | undefined
  /** A value of a reply that is no row. */
  ofReply(value: unknown): unknown
  /** What stands for a body, or a part of one, that could not be taken apart. */
  raw(body: unknown): unknown
  /** To be called when a body is not read: then nobody knows what an error's text may tell of it. */
  unread(): void
  /** Tags and notes: without what the rules name in them, and without what was taken out of the rest. To be called when all bodies are read. */
  beside(
    tags: Members | undefined,
    extra: Members | undefined,
  ): { tags: Members | undefined; extra: Members | undefined }
  /** An instance's features or outputs, without what was taken out of other parts of the record. To be called when all bodies are read. */
  json(json: string | undefined): string | undefined
  text(text: string | undefined): string | undefined
  /** Undefined where a body was not read: the error may repeat what redaction would have taken out of it. */
  error(error: string | undefined): string | undefined
  /** An error for the log, without what redaction hides, and without any part of a body that could not be read. */
  fault(error: unknown, unread: unknown): unknown
}

/** One object for all captures without rules, so that no request has to make one. */
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
