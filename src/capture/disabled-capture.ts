import type { Settings } from '../config/options.ts'
import { PredictionsError } from '../errors/errors.ts'
import { createRequestCounts } from '../exchange/request-counts.ts'
import { actualColumnsOf } from '../schema/columns.ts'
import { markAsCapture, type RunningCapture } from './running-capture.ts'

/** `PREDICTIONS_ENABLED=false`: captures nothing, opens nothing. */
export const disabledCapture = (settings: Settings): RunningCapture =>
  markAsCapture({
    settings,
    stats: () => ({ ...createRequestCounts().stats(), sinks: {} }),
    flush: async () => true,
    close: async () => {},
    actual: () => {},
    actuals: (reports) => ({ accepted: reports.length, rejected: [] }),
    route: () => undefined,
    isConfigured: () => false,
    rejects: () => false,
    begin() {
      throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', 'capture is off: PREDICTIONS_ENABLED is false')
    },
    fault: () => {},
    addRouteSchema: () => {},
    start: () => {},
    *takeReports(reports) {
      yield
      return { accepted: reports.length, rejected: [], safe: undefined }
    },
    rejectsActuals: () => false,
    actualColumns: () => actualColumnsOf(settings.schema),
  } satisfies RunningCapture)
