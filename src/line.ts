import { encode } from './json.ts'

/** A record about to be written, its features and outputs already JSON text. One object serves for all instances of a batch. */
export interface LineMembers {
  id: string
  readonly timestamp: string
  /** `"model":"…","model_version":"…"` */
  readonly model: string
  readonly requestId: string | undefined
  instance: number
  readonly status: number
  readonly durationMs: number
  readonly error: string | undefined
  readonly sampleWeight: number
  readonly tags: Readonly<Record<string, unknown>> | undefined
  features: string | undefined
  outputs: string | undefined
  readonly extra: Readonly<Record<string, unknown>> | undefined
}

/** The members that say which model it was: the same for most records of a process, so made once. */
export const modelMembers = (model: string, version: string): string =>
  `"model":${JSON.stringify(model)},"model_version":${JSON.stringify(version)}`

/**
 * A record's JSON text. Concatenated, as features and outputs are text already and the rest is known: a fifth of the cost of
 * `JSON.stringify`. The id comes first, at a fixed place (see `recordFromJson`); what is empty or has its default is left out.
 */
export const recordLine = (record: LineMembers): string => {
  let line = `{"id":"${record.id}","timestamp":"${record.timestamp}",${record.model}`
  if (record.requestId !== undefined) line += `,"request_id":${JSON.stringify(record.requestId)}`
  if (record.instance !== 0) line += `,"instance":${record.instance}`
  line += `,"status":${record.status},"duration_ms":${record.durationMs}`
  if (record.error !== undefined) line += `,"error":${JSON.stringify(record.error)}`
  if (record.sampleWeight !== 1) line += `,"sample_weight":${record.sampleWeight}`
  if (record.tags !== undefined) line += `,"tags":${encode(record.tags)}`
  if (record.features !== undefined) line += `,"features":${record.features}`
  if (record.outputs !== undefined) line += `,"outputs":${record.outputs}`
  if (record.extra !== undefined) line += `,"extra":${encode(record.extra)}`
  return line + '}'
}
