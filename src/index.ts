/**
 * The core of capture-predictions: captures, sinks and formats of your own, errors. The middleware is in
 * `capture-predictions/express`, `/koa` and `/fastify`.
 * @packageDocumentation
 */
export type { ActualsResult, RejectedReport } from './actuals/actuals.ts'
export type { ActualReport } from './actuals/actual-report.ts'
export type { Capture } from './capture/capture.ts'
export { createCapture } from './capture/create-capture.ts'
export type { CaptureOptions, Settings } from './config/options.ts'
export type { CaptureStats, RequestStats, SinkStats } from './delivery/counts.ts'
export { errorCodes, hasCode, PredictionsError, type ErrorCode } from './errors/errors.ts'
export type { Format, FormatReply, FormatRequest, ReplyReading, RequestReading } from './formats/format.ts'
export { silentLogger, stderrLogger, type Logger } from './logger.ts'
export type { Prediction } from './prediction.ts'
export { actualFrom, type ActualMembers, type ActualRecord } from './records/actual.ts'
export { recordFrom, recordFromJson, type PredictionRecord, type RecordMembers } from './records/record.ts'
export type { RecordKind, StoredRecord } from './records/stored.ts'
export type { Column, ColumnType } from './schema/column.ts'
export { actualColumnsOf, columnsOf } from './schema/columns.ts'
export type { JsonSchema, PredictionSchema } from './schema/schema.ts'
export type { ActualsOptions, Plan, Refusal, Sink, SinkContext } from './sink.ts'
