import type { ActualsStore } from './actuals/check/answers.ts'
import { PredictionsError } from './errors/errors.ts'
import type { Store, StoreOptions } from './report/answers.ts'

/**
 * Finds the store of a report, or of the check of actuals, by the sink's URL. Only these two load this file: no service pays for it.
 */

interface Readable {
  report(options: StoreOptions): Promise<Store>
  actuals(options: StoreOptions): Promise<ActualsStore>
}

const sqlite: Readable = {
  report: async (options) => (await import('../sinks/sql/sqlite/report/store.ts')).sqliteStore(options),
  actuals: async (options) => (await import('../sinks/sql/sqlite/actuals.ts')).sqliteActuals(options),
}

const postgres: Readable = {
  report: async (options) => (await import('../sinks/sql/postgres/report/store.ts')).postgresStore(options),
  actuals: async (options) => (await import('../sinks/sql/postgres/actuals.ts')).postgresActuals(options),
}

const mysql: Readable = {
  report: async (options) => (await import('../sinks/sql/mysql/report/store.ts')).mysqlStore(options),
  actuals: async (options) => (await import('../sinks/sql/mysql/actuals.ts')).mysqlActuals(options),
}

const byScheme: Readonly<Record<string, Readable | undefined>> = {
  postgres,
  postgresql: postgres,
  mysql,
  mariadb: mysql,
  sqlite,
}

/** Schemes of sinks that can be read. */
export const STORE_SCHEMES = Object.keys(byScheme)

const readable = ({ url }: StoreOptions): Readable => {
  const scheme = url.slice(0, url.indexOf(':'))
  const found = byScheme[scheme]
  if (found !== undefined) return found
  throw new PredictionsError(
    'PREDICTIONS_BAD_CONFIGURATION',
    `${scheme} can't be read: name a store of ${STORE_SCHEMES.join(', ')} by --sink or PREDICTIONS_SINK`,
  )
}

/**
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the sink can't be read
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: its driver is not installed
 */
export const storeOf = async (options: StoreOptions): Promise<Store> => readable(options).report(options)

/**
 * The tables of predictions and actuals of a sink.
 * @throws as `storeOf`
 */
export const actualsStoreOf = async (options: StoreOptions): Promise<ActualsStore> => readable(options).actuals(options)
