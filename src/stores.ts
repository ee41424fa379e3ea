import type { ActualsStore } from './actuals/check/answers.ts'
import { PredictionsError } from './errors/errors.ts'
import type { Store, StoreOptions } from './report/answers.ts'

/**
 * Finds the store of a report, or of the check of actuals, by the sink's URL. Only these two load this file: no service pays for it.
 */

type MakeStore = (options: StoreOptions) => Promise<Store>

const makeSqlite: MakeStore = async (options) =>
  (await import('../sinks/sql/sqlite/report/store.ts')).sqliteStore(options)

const makePostgres: MakeStore = async (options) =>
  (await import('../sinks/sql/postgres/report/store.ts')).postgresStore(options)

const makeMysql: MakeStore = async (options) => (await import('../sinks/sql/mysql/report/store.ts')).mysqlStore(options)

const byScheme: Readonly<Record<string, MakeStore | undefined>> = {
  postgres: makePostgres,
  postgresql: makePostgres,
  mysql: makeMysql,
  mariadb: makeMysql,
  sqlite: makeSqlite,
}

/** Schemes of sinks that a report can read. */
export const STORE_SCHEMES = Object.keys(byScheme)

/**
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the sink can't be read
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: its driver is not installed
 */
export const storeOf = (options: StoreOptions): Promise<Store> => {
  const scheme = options.url.slice(0, options.url.indexOf(':'))
  const make = byScheme[scheme]
  if (make === undefined)
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      `A report can't be made of ${scheme}: name a store of ${STORE_SCHEMES.join(', ')} by --sink or PREDICTIONS_SINK`,
    )
  return make(options)
}

type MakeActualsStore = (options: StoreOptions) => Promise<ActualsStore>

const actualsInSqlite: MakeActualsStore = async (options) =>
  (await import('../sinks/sql/sqlite/actuals.ts')).sqliteActuals(options)

const actualsInPostgres: MakeActualsStore = async (options) =>
  (await import('../sinks/sql/postgres/actuals.ts')).postgresActuals(options)

const actualsInMysql: MakeActualsStore = async (options) =>
  (await import('../sinks/sql/mysql/actuals.ts')).mysqlActuals(options)

const actualsByScheme: Readonly<Record<string, MakeActualsStore | undefined>> = {
  postgres: actualsInPostgres,
  postgresql: actualsInPostgres,
  mysql: actualsInMysql,
  mariadb: actualsInMysql,
  sqlite: actualsInSqlite,
}

/** Schemes of sinks whose actuals can be checked. */
export const ACTUALS_SCHEMES = Object.keys(actualsByScheme)

/**
 * The tables of predictions and actuals of a sink, whose scheme is one of `ACTUALS_SCHEMES`.
 * @throws as `storeOf`
 */
export const actualsStoreOf = (options: StoreOptions): Promise<ActualsStore> =>
  actualsByScheme[options.url.slice(0, options.url.indexOf(':'))]!(options)
