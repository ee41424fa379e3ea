import { Readable } from 'node:stream'
import type { Connection, ResultSetHeader } from 'mysql2'
import type { PredictionRecord } from '../../../src/records/record.ts'
import type { Refusal } from '../../../src/sink.ts'
import type { Target, WriteBatch } from '../dialect.ts'
import { tabLines, type TextEncoders } from '../rows.ts'
import type { Session } from '../session.ts'
import { inSlices } from '../slices.ts'
import { doubleText, spellHalves, tabField } from '../text.ts'
import { tableChanged, wordsOf } from '../errors.ts'
import { writeInHalves, type WriteVerdict } from '../one-by-one.ts'
import { duplicateIn, isDenied, isNoLoad, isRefusal } from './errors.ts'
import { mysqlJson } from './json.ts'
import { whoLacksRight } from './rights.ts'

/** Sessions are in UTC, and a datetime takes no `Z`. */
const datetime = (value: string): string => `${value.slice(0, 10)} ${value.slice(11, 23)}`

const plain = {
  double: doubleText,
  bigint: String,
  integer: String,
  smallint: String,
  boolean: (value: boolean) => (value ? '1' : '0'),
}

/** Values as fields of LOAD DATA's text. */
export const fieldEncoders: TextEncoders = {
  ...plain,
  text: (value: string) => tabField(spellHalves(value)),
  timestamp: datetime,
  uuid: String,
  json: (value: unknown) => tabField(mysqlJson(value)),
}

export type Escape = (text: string) => string

/** Values as literals of SQL. */
export const literalsWith = (escape: Escape): TextEncoders => ({
  ...plain,
  text: (value: string) => escape(spellHalves(value)),
  timestamp: (value: string) => `'${datetime(value)}'`,
  uuid: (value: string) => `'${value}'`,
  json: (value: unknown) => escape(mysqlJson(value)),
})

const quotedNames = (session: Session<Connection>, target: Target): string =>
  target.columns.map(({ name }) => session.quote(name)).join(', ')

const CHUNK_CHARACTERS = 65_536
/** Each piece is a packet: the server ends the connection over one that is larger than `max_allowed_packet`, 1 MiB at least by default. */
const PACKET_BYTES = 65_536

/** A stream of lines, made in slices while it is read. */
const streamOf = <Item>(items: readonly Item[], lineOf: (item: Item) => string): Readable => {
  const stream = new Readable({ read() {} })
  let text = ''
  const push = () => {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += PACKET_BYTES) stream.push(bytes.subarray(at, at + PACKET_BYTES))
    text = ''
  }
  inSlices(
    items,
    (item) => {
      text += lineOf(item)
      if (text.length >= CHUNK_CHARACTERS) push()
    },
    push,
  ).then(
    () => stream.push(null),
    (error: Error) => stream.destroy(error),
  )
  return stream
}

/** LOAD DATA LOCAL, of which the server reads the text from this connection, and never a file: the stream is all there is. */
const createLoad = (session: Session<Connection>, target: Target) => {
  const sql =
    `load data local infile 'predictions' into table ${target.table} character set utf8mb4 ` +
    `fields terminated by '\\t' escaped by '\\\\' lines terminated by '\\n' (${quotedNames(session, target)})`
  const lineOf = tabLines(target, ({ type }) => fieldEncoders[type])
  /** Whether all is stored as it is. LOCAL never fails for a value: it changes it, or skips the row, and counts a warning. */
  return async (session: Session<Connection>, records: readonly PredictionRecord[]): Promise<boolean> => {
    const { warningStatus } = await new Promise<ResultSetHeader>((resolve, reject) => {
      const query = { sql, infileStreamFactory: () => streamOf(records, lineOf) }
      session.connection.query<ResultSetHeader>(query, (error, result) => (error ? reject(error) : resolve(result)))
    })
    return warningStatus === 0
  }
}

/** A statement's length: large enough to be fast, small enough not to keep the event loop. */
const STATEMENT_BYTES = 1_000_000
/** What a packet has beside the statement, with room to spare. */
const PACKET_OVERHEAD = 1024

/** `INSERT … VALUES`, in as many statements as the server's packets ask for. */
const createInsert = (
  session: Session<Connection>,
  target: Target,
  { escape, packetBytes }: WriteSettings,
  tail: string,
) => {
  const head = `insert into ${target.table} (${quotedNames(session, target)}) values `
  const literals = literalsWith(escape)
  const writers = target.columns.map(({ type }) => literals[type])
  const rowOf = (record: PredictionRecord): string => {
    const row = target.rowOf(record)
    return `(${writers.map((write, i) => (row[i] === null ? 'null' : write(row[i] as never))).join()})`
  }
  return async (session: Session<Connection>, records: readonly PredictionRecord[]): Promise<Refusal[]> => {
    const most = packetBytes() - head.length - tail.length - PACKET_OVERHEAD
    const refused: Refusal[] = []
    const statements: string[][] = [[]]
    let bytes = 0
    await inSlices(records, (record, index) => {
      const row = rowOf(record)
      const length = Buffer.byteLength(row) + 1
      if (length > most) {
        refused.push({
          index,
          reason: `its row has ${length} bytes, and the server's max_allowed_packet is ${packetBytes()}`,
        })
        return
      }
      if (bytes + length > Math.min(most, STATEMENT_BYTES) && bytes > 0) {
        statements.push([])
        bytes = 0
      }
      statements.at(-1)!.push(row)
      bytes += length
    })
    for (const rows of statements) if (rows.length > 0) await session.query(head + rows.join() + tail)
    return refused
  }
}

/** Which records another unique index than the key's kept out: their inserts were taken for ones that came again. */
const createCheck = (session: Session<Connection>, target: Target) => {
  const id = session.quote(target.key[0] ?? 'id')
  return async (session: Session<Connection>, records: readonly PredictionRecord[]): Promise<Refusal[]> => {
    const rows = await session.query(`select ${id} as id from ${target.table} where ${id} in (?)`, [
      records.map((record) => record.id),
    ])
    const stored = new Set(rows.map(({ id }) => id))
    return records.flatMap((record, index) =>
      stored.has(record.id)
        ? []
        : [{ index, reason: `Duplicate entry for another unique index of ${target.table} than that of ${id}` }],
    )
  }
}

const UNCHANGED = `
  select count(*) as unchanged from information_schema.columns where table_schema = coalesce(?, database()) and table_name = ?
    and concat(column_name, ' ', lower(column_type), ' ', coalesce(character_set_name, '')) in (?)`

/**
 * Throws where the columns are not as they were when the table was looked at: the server rounds what goes into a column of another
 * type, without a word. Within the transaction that wrote to the table nobody can change it.
 */
const createGuard = ({ name: { schema, table }, table: quoted, columns }: Target) => {
  const known = columns.map(({ name, storedAs, charset = '' }) => `${name} ${storedAs} ${charset}`)
  return async (session: Session<Connection>): Promise<void> => {
    const [found] = await session.query(UNCHANGED, [schema ?? null, table, known])
    if (Number(found?.['unchanged']) !== columns.length) throw tableChanged(quoted)
  }
}

/** Whether a right is missing that skipping takes, as a plan of such a write tells. */
export const rightsToSkip = async (session: Session<Connection>, target: Target): Promise<readonly string[]> => {
  const key = session.quote(target.key[0] ?? 'id')
  const nulls = target.columns.map(() => 'null').join()
  const user = await whoLacksRight(
    session,
    `explain insert into ${target.table} (${quotedNames(session, target)}) values (${nulls}) on duplicate key update ${key} = ${key}`,
  )
  if (user === undefined) return []
  return [
    `the user may insert and not skip what is there, so a batch that comes again, or of which a row is refused, goes in by halves: grant select, update on ${target.table} to ${user}`,
  ]
}

export interface WriteSettings {
  readonly escape: Escape
  /** The server's `max_allowed_packet`. */
  packetBytes(): number
  /** Whether LOAD DATA LOCAL may be tried. */
  loads(): boolean
}

class RowTooLarge extends Error {}

/**
 * LOAD DATA LOCAL is the fastest way in, and hides what it changes: so it goes first, in a transaction that is undone at
 * its first warning, and then an insert goes second, which tells new rows from those that are there, and says what is wrong.
 */
export const createWrite = (
  session: Session<Connection>,
  target: Target,
  settings: WriteSettings,
): WriteBatch<Connection> => {
  const load = createLoad(session, target)
  const key = session.quote(target.key[0] ?? 'id')
  // Not INSERT IGNORE, which would store truncated values as well.
  const insertNew = createInsert(session, target, settings, ` on duplicate key update ${key} = ${key}`)
  const insertAll = createInsert(session, target, settings, '')
  const check = createCheck(session, target)
  const guard = createGuard(target)
  let mayLoad = target.transactional
  let skips = true

  /** Whether it is stored; what it left is undone where not. */
  const tryLoad: (...args: Parameters<typeof load>) => Promise<boolean> = async (session, records) => {
    try {
      if (await load(session, records)) return true
    } catch (error) {
      if (isNoLoad(error)) mayLoad = false
      else if (!isRefusal(error)) throw error
    }
    await session.query('rollback')
    return false
  }

  /** What stands in the transaction is stored, unless the table has changed. */
  const commit = async (session: Session<Connection>): Promise<void> => {
    if (target.transactional) await guard(session)
    await session.query('commit')
  }

  const insertSkipping: typeof insertNew = async (session, records) => {
    const refused = await insertNew(session, records)
    const missing = target.otherKeys ? await check(session, records) : []
    await commit(session)
    return [...refused, ...missing.filter(({ index }) => !refused.some((refusal) => refusal.index === index))]
  }

  const judge = (error: unknown): WriteVerdict | undefined => {
    if (!isRefusal(error)) return undefined
    const index = duplicateIn(error)
    const isStored = index !== undefined && (!target.otherKeys || index === target.keyIndex)
    return { isStored, reason: wordsOf(error) }
  }

  /** For users who may insert and nothing else. */
  const insertInHalves = (session: Session<Connection>, records: readonly PredictionRecord[]): Promise<Refusal[]> =>
    writeInHalves(
      records,
      async (some) => {
        const [tooLarge] = await insertAll(session, some)
        if (tooLarge) throw new RowTooLarge(tooLarge.reason)
        await commit(session)
      },
      async (error) => {
        if (!isRefusal(error) && !(error instanceof RowTooLarge)) return undefined
        await session.query('rollback')
        await guard(session)
        return error instanceof RowTooLarge ? { isStored: false, reason: error.message } : judge(error)
      },
    )

  return async (session, records) => {
    // Without transactions nothing can be taken back: it is looked at before.
    if (!target.transactional) await guard(session)
    if (skips && mayLoad && settings.loads() && (await tryLoad(session, records))) {
      await commit(session)
      return []
    }
    if (!skips) return insertInHalves(session, records)
    try {
      return await insertSkipping(session, records)
    } catch (error) {
      if (isRefusal(error) || isDenied(error)) await session.query('rollback')
      // What is refused by a table that has changed may fit it as it is now.
      if (isRefusal(error)) await guard(session)
      if (!isDenied(error)) throw error
      skips = false
      return insertInHalves(session, records)
    }
  }
}
