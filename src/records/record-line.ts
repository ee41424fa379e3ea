import { encode } from './json.ts'

/** What all records of an exchange have in common. */
export interface LineMembers {
  readonly timestamp: string
  /** `"model":"…","model_version":"…"` */
  readonly model: string
  readonly requestId: string | undefined
  readonly status: number
  readonly durationMs: number
  readonly error: string | undefined
  readonly sampleWeight: number
  readonly tags: Readonly<Record<string, unknown>> | undefined
  readonly extra: Readonly<Record<string, unknown>> | undefined
}

/** Makes the line of one instance, whose features and outputs are JSON text already. */
export type LineMaker = (
  id: string,
  instance: number,
  features: string | undefined,
  outputs: string | undefined,
) => string

/** The members that say which model it was: the same for most records of a process, so made once. */
export const modelMembers = (model: string, version: string): string =>
  `"model":${JSON.stringify(model)},"model_version":${JSON.stringify(version)}`

/**
 * Makes records' JSON texts. Concatenated, as features and outputs are text already and the rest is known: a fifth of the cost of
 * `JSON.stringify`. The id comes first, at a fixed place (see `recordFromJson`); what is empty or has its default is left out.
 */
export const createLineMaker = (record: LineMembers): LineMaker => {
  let start = `","timestamp":"${record.timestamp}",${record.model}`
  if (record.requestId !== undefined) start += `,"request_id":${JSON.stringify(record.requestId)}`
  let middle = `,"status":${record.status},"duration_ms":${record.durationMs}`
  if (record.error !== undefined) middle += `,"error":${JSON.stringify(record.error)}`
  if (record.sampleWeight !== 1) middle += `,"sample_weight":${record.sampleWeight}`
  if (record.tags !== undefined) middle += `,"tags":${encode(record.tags)}`
  const end = record.extra === undefined ? '}' : `,"extra":${encode(record.extra)}}`
  return (id, instance, features, outputs) => {
    let line = `{"id":"${id}${start}`
    if (instance !== 0) line += `,"instance":${instance}`
    line += middle
    if (features !== undefined) line += `,"features":${features}`
    if (outputs !== undefined) line += `,"outputs":${outputs}`
    return line + end
  }
}
