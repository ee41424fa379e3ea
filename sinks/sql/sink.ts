import { hasCode, PredictionsError } from '../../src/errors/errors.ts'
import type { Column } from '../../src/schema/column.ts'
import type { Plan, Sink } from '../../src/sink.ts'
import { nameText, tableNameOf, type Dialect, type WriteBatch } from './dialect.ts'
import { batchRefused, connectionFix, timedOut, unavailable } from './errors.ts'
import { actualTable, predictionTable, type TableKind } from './kinds.ts'
import { openSession, type Session } from './session.ts'
import { draftTable, type Draft } from './table.ts'
import { actualsBeside } from './labelled.ts'
import { draftView, makeView, type ViewDraft, type ViewTables } from './view.ts'

/** What all SQL sinks have in common in their options. */
export interface SqlOptions {
  /** `table` or `schema.table`. Default: `predictions`. */
  readonly table?: string | undefined
  /** `auto` creates the table and adds missing columns; `off` checks only, and says the SQL to run. Default: `auto`. */
  readonly migrate?: 'auto' | 'off' | undefined
}

export interface SqlSettings extends SqlOptions {
  /** What logs call the database: its address without user and password. */
  readonly address: string
  /** What a table is called there, where that is not all of its name. */
  readonly tableOf?: (name: string) => string
}

/** What writes one kind of records to its table. */
interface TableSettings extends SqlSettings {
  readonly table: string
  readonly kind: TableKind
  /** Of both kinds, for the view over them. */
  readonly tables: ViewTables
  /** What the predictions' table is to have, where it is not there yet. */
  readonly predictionColumns?: readonly Column[]
}

/** The sink of predictions, which makes the one of actuals: each has a connection and a table of its own. */
export const sqlSink = <Connection>(createDialect: () => Dialect<Connection>, settings: SqlSettings): Sink => {
  const { tableOf = (name) => name } = settings
  const table = tableOf(settings.table ?? 'predictions')
  const dialect = createDialect()
  const predictions = tableNameOf(table)
  const tables = { predictions, actuals: actualsBeside(predictions, dialect.names.max) }
  return {
    ...tableSink(dialect, { ...settings, table, kind: predictionTable, tables }),
    actuals({ table: given, predictionColumns }) {
      if (given !== undefined) tables.actuals = tableNameOf(tableOf(given))
      const table = nameText(tables.actuals)
      return tableSink(createDialect(), { ...settings, table, kind: actualTable, tables, predictionColumns })
    },
  }
}

/** A sink over a dialect: connects, keeps the table as needed, writes, and classifies what goes wrong. */
const tableSink = <Connection>(dialect: Dialect<Connection>, settings: TableSettings): Sink => {
  const { kind } = settings
  const name = `${settings.address}#${settings.table}`
  const table = tableNameOf(settings.table)
  let session: Session<Connection> | undefined
  let writeBatch: WriteBatch<Connection> | undefined

  const drop = async (dropped: Session<Connection> | undefined): Promise<void> => {
    if (session === dropped) {
      session = undefined
      writeBatch = undefined
    }
    dropped?.destroy()
    await dropped?.close()
  }

  /** The connection; a new one where the server has closed it meanwhile. One that comes when nobody waits for it any more is let go. */
  const connect = async (signal: AbortSignal | undefined): Promise<Session<Connection>> => {
    if (session?.isAlive()) return session
    await session?.close()
    session = undefined
    const connected = await openSession(dialect, 'write')
    if (signal?.aborted) {
      await drop(connected)
      signal.throwIfAborted()
    }
    return (session = connected)
  }

  const fail = (error: unknown): never => {
    if (error instanceof PredictionsError) throw error
    throw unavailable(name, error, dialect.fixFor(error) ?? connectionFix(error, dialect.authorityParameter))
  }

  /** Runs `work` on the connection, which keeps the process alive for that long. It is dropped when that fails. */
  const use = async <Result>(
    signal: AbortSignal | undefined,
    work: (session: Session<Connection>) => Promise<Result>,
  ): Promise<Result> => {
    let connected: Session<Connection> | undefined
    try {
      connected = await connect(signal)
      connected.hold(true)
      const result = await orAborted(signal, connected, work)
      connected.hold(false)
      return result
    } catch (error) {
      if (hasCode(error, 'PREDICTIONS_BATCH_REFUSED')) {
        connected?.hold(false)
        throw error
      }
      await drop(connected)
      return fail(error)
    }
  }

  const check = ({ problems, statements }: Plan): void => {
    const missing = settings.migrate === 'off' ? statements : []
    if (problems.length === 0 && missing.length === 0) return
    const lines = [...problems, ...missing.map((statement) => `run: ${statement};`)].map((line) => `\n  ${line}`)
    throw new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', `${name}: the table is not as needed:${lines.join('')}`)
  }

  /** Where something is missing, one process at a time looks again and runs what is. */
  const migrate = async (session: Session<Connection>, columns: readonly Column[]): Promise<Draft> => {
    const draft = await draftTable(dialect, session, table, columns, kind)
    check(draft)
    if (draft.statements.length === 0) return draft
    return dialect.alone(session, table, async () => {
      const { statements } = await draftTable(dialect, session, table, columns, kind)
      for (const statement of statements) await session.query(statement)
      // As the database describes it: what writes compares with that.
      return draftTable(dialect, session, table, columns, kind)
    })
  }

  /** What works worse than it could. */
  const notesOf = async (session: Session<Connection>, draft: Draft): Promise<readonly string[]> => {
    const { target, statements, problems, notes = [] } = draft
    // A right is asked for by a write's own statement, which needs the table as it is to be.
    const isReady = statements.length === 0 && problems.length === 0
    return isReady ? [...notes, ...((await dialect.rightsToSkip?.(session, target)) ?? [])] : notes
  }

  /** The view as the tables are to be: an actuals' plan is of both. */
  const planView = async (session: Session<Connection>, { target }: Draft): Promise<ViewDraft> => {
    const own = target.columns.map(({ name, storedAs: type }) => ({ name, type }))
    if (kind.kind === 'prediction') {
      const isUsed = (await dialect.inspect(session, settings.tables.actuals)) !== undefined
      return isUsed ? draftView(dialect, session, settings.tables, { predictions: own }) : { statements: [], notes: [] }
    }
    const { predictionColumns = [] } = settings
    const beside = await draftTable(dialect, session, settings.tables.predictions, predictionColumns, predictionTable)
    const predictions = beside.target.columns.map(({ name, storedAs: type }) => ({ name, type }))
    return draftView(dialect, session, settings.tables, { predictions, actuals: own })
  }

  return {
    name,

    async open(columns, _, signal) {
      return use(signal, async (session) => {
        const draft = await migrate(session, columns)
        const notes = await notesOf(session, draft)
        const ofView = await makeView(dialect, session, settings.tables, settings.migrate ?? 'auto')
        await dialect.endReading?.(session)
        signal?.throwIfAborted()
        writeBatch = dialect.createWrite(session, draft.target)
        return [...notes, ...ofView]
      })
    },

    async write(records, signal) {
      const write = writeBatch
      if (!write) throw unavailable(name, 'it has not been opened')
      return use(signal, async (session) => {
        try {
          return await write(session, records, signal)
        } catch (error) {
          if (dialect.isTimeout(error)) throw timedOut(name, error)
          throw dialect.isRefusal(error) ? batchRefused(name, error) : error
        }
      })
    },

    async close() {
      const closing = session
      session = undefined
      writeBatch = undefined
      await closing?.close()
    },

    async plan(columns) {
      const looking = await openSession(dialect, 'look').catch(fail)
      try {
        const draft = await draftTable(dialect, looking, table, columns, kind)
        const view = await planView(looking, draft)
        const statements = [...draft.statements, ...view.statements].map((statement) => `${statement};`)
        const notes = [...(await notesOf(looking, draft)), ...view.notes]
        const { problems, isNew = false } = draft
        return { statements, problems, ...(notes.length > 0 ? { notes } : {}), ...(isNew ? { isNew } : {}) }
      } catch (error) {
        return fail(error)
      } finally {
        await looking.close()
      }
    },
  }
}

/** What `work` gives; or the signal's reason at once when it aborts, and the connection is cut. */
const orAborted = async <Connection, Result>(
  signal: AbortSignal | undefined,
  session: Session<Connection>,
  work: (session: Session<Connection>) => Promise<Result>,
): Promise<Result> => {
  if (!signal) return work(session)
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => {
    session.destroy()
    aborted.reject(new Error('it took too long and was aborted'))
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work(session), aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
