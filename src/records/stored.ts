import { actualFromJson, isActualText, type ActualRecord } from './actual.ts'
import { recordFromJson, type PredictionRecord } from './record.ts'

/** What is queued and stored: predictions and actuals, each kind in queues and tables of its own. */
export type StoredRecord = PredictionRecord | ActualRecord

export type RecordKind = 'prediction' | 'actual'

/** A record from its text, which says of which kind it is. */
export const storedFromJson = (json: string): StoredRecord =>
  isActualText(json) ? actualFromJson(json) : recordFromJson(json)
