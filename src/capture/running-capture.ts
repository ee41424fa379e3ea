import type { IncomingHttpHeaders } from 'node:http'
import type { ActualsResult } from '../actuals/actuals.ts'
import { PredictionsError } from '../errors/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Column } from '../schema/column.ts'
import type { RouteSchema } from '../schema/route.ts'
import type { Steps } from '../steps/time-slices.ts'
import type { Capture } from './capture.ts'

/** A capture as integrations use it. Its users see a `Capture`. */
export interface RunningCapture extends Capture {
  /** The configured route that a request matches, or its own where it is captured `always`. */
  route(method: string, url: string, always: boolean, ignoresCase?: boolean): string | undefined
  /** Whether a route is one of the configuration, or all are: asked at the start. */
  isConfigured(method: string, path: string): boolean
  /** Whether requests are to be refused now: the outbox is full and `PREDICTIONS_WHEN_FULL` is `reject`. */
  rejects(): boolean
  /** A request of a captured route arrives. */
  begin(request: { route: string; headers: IncomingHttpHeaders }): Exchange
  /** A fault of capture itself: counted, logged at most once a minute a kind, never thrown at the app. */
  fault(kind: string, error: unknown): void
  /** A route's own schemas: they give columns that the configured schema does not. To be called before `start`. */
  addRouteSchema(schema: RouteSchema, shared?: object): void
  /** Everything is known: says where predictions go, and begins to deliver. Later calls do nothing. */
  start(): void

  /**
   * Takes reports of actuals as a client sent them, in steps. `safe`, where there is one, resolves when they are as safe as
   * `PREDICTIONS_DURABILITY` asks.
   * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: no sink takes actuals
   */
  takeReports(reports: readonly unknown[]): Steps<ActualsResult & { readonly safe: Promise<void> | undefined }>
  /** Whether reports are to be refused now: as requests are by `rejects`, and where no sink's queue would take any. */
  rejectsActuals(): boolean
  /** The columns of the table of actuals, as they are known now. */
  actualColumns(): readonly Column[]
}

/** Marks captures, whichever copy of the package made them. */
const kCapture = Symbol.for('capture-predictions.capture')

export const markAsCapture = <Made extends RunningCapture>(capture: Made): Made =>
  Object.assign(capture, { [kCapture]: true })

export const isCapture = (value: unknown): value is Capture =>
  typeof value === 'object' && value !== null && kCapture in value

/**
 * A capture that a user handed over, as integrations use it.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: `createCapture` did not make it
 */
export const asRunning = (capture: Capture): RunningCapture => {
  if (isCapture(capture)) return capture as RunningCapture
  throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', 'this is no capture: createCapture makes one')
}
