/** A report of a text, with the line where it ends; or why the line is none. */
export type NumberedReport =
  { readonly line: number; readonly report: unknown } | { readonly line: number; readonly reason: string }

/** Reports as they are read, some at a time. */
export type ReportBatches = AsyncIterable<readonly NumberedReport[]>

/** A text in pieces. */
export type Pieces = AsyncIterable<string> | Iterable<string>

/** How many are handed on at once. */
export const BATCH = 64

/** Nobody can tell what the text means: no line of it is a report. */
export class UnreadableText extends Error {}
