import type { Client } from 'pg'
import { decode, encode } from '../../../src/records/json.ts'
import type { Target, WriteBatch } from '../dialect.ts'
import { tabLines } from '../rows.ts'
import type { Session } from '../session.ts'
import { inSlices } from '../slices.ts'
import { copyFrom } from './copy.ts'
import { wordsOf } from '../errors.ts'
import { writeInHalves, type WriteVerdict } from '../one-by-one.ts'
import { duplicateIn, isDenied, isNoCopy, isRefusal, isUntranslatable } from './errors.ts'
import { learnFrom } from './learn.ts'
import { createGuard } from './guard.ts'
import type { Spelling } from './encoding.ts'
import { fieldsIn, jsonRows, columnText } from './rows.ts'

const names = (session: Session<Client>, target: Target): string =>
  target.columns.map(({ name }) => session.quote(name)).join(', ')

/** With the guard's statement it is one transaction, and one way to the server and back. */
const createCopy = (
  session: Session<Client>,
  target: Target,
  spelling: Spelling,
  guard: string,
): WriteBatch<Client> => {
  const sql = `copy ${target.table} (${names(session, target)}) from stdin; ${guard}`
  const lineOf = tabLines(target, columnText(fieldsIn(spelling)))
  return ({ connection }, records) => copyFrom(connection, sql, records, lineOf)
}

/** @param skip what is done with rows that are there already: `on conflict …`, or nothing */
const createInsert = (
  session: Session<Client>,
  target: Target,
  spelling: Spelling,
  guard: string,
  skip: string,
): WriteBatch<Client> => {
  const rows = target.columns.map(({ storedAs }, index) => `c${index} ${storedAs}`).join(', ')
  const sql =
    `insert into ${target.table} (${names(session, target)}) ` +
    `select * from json_to_recordset($1::json) as r(${rows}) ${skip}`
  const jsonOf = jsonRows(target, spelling)
  return async (session, records) => {
    const rows: string[] = []
    await inSlices(records, (record) => void rows.push(jsonOf(record)))
    await session.query('begin')
    try {
      await session.query(sql, [`[${rows.join(',')}]`])
      await session.query(guard)
      await session.query('commit')
    } catch (error) {
      if (session.isAlive()) await session.query('rollback')
      throw error
    }
  }
}

/** Whether the right to read is missing, as a plan of such a write tells: it takes more than the right to insert. */
export const rightsToSkip = async (session: Session<Client>, target: Target): Promise<readonly string[]> => {
  const key = target.key.map((name) => session.quote(name)).join(', ')
  try {
    await session.query(
      `explain insert into ${target.table} (${key}) select ${target.key.map(() => 'null').join(', ')} where false on conflict (${key}) do nothing`,
    )
    return []
  } catch (error) {
    if (!isDenied(error)) throw error
    const [found] = await session.query('select current_user::text as name')
    const user = session.quote(String(found?.['name']))
    return [
      `the user may insert and not select, so a batch that comes again, or of which a row is refused, goes in by halves: grant select on ${target.table} to ${user}`,
    ]
  }
}

/** The columns of an index: a partition's has a name of its own. */
const INDEX = `
  select array_agg(a.attname::text) as columns from pg_index i join pg_class c on c.oid = i.indexrelid
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey[0:i.indnkeyatts - 1])
  where c.relname = $1 and c.relnamespace = (select oid from pg_namespace where nspname = $2)`

/** Whether an error says that a record's row is there already: its key is, and not only what another unique index wants once. */
const createJudge = (session: Session<Client>, { key }: Target) => {
  const isKey = async (index: string, schema: string): Promise<boolean> => {
    const [found] = await session.query(INDEX, [index, schema])
    const columns = (found?.['columns'] ?? []) as string[]
    return columns.length === key.length && columns.every((name) => key.includes(name))
  }
  return async (error: unknown): Promise<WriteVerdict | undefined> => {
    if (!isRefusal(error) || isUntranslatable(error)) return undefined
    const duplicate = duplicateIn(error)
    return {
      isStored: duplicate !== undefined && (await isKey(duplicate.index, duplicate.schema)),
      reason: wordsOf(error),
    }
  }
}

/**
 * COPY is the fastest way in, and knows no `ON CONFLICT`. But a batch has rows that are there already only when it comes
 * again after a doubt, and then COPY stores none of it: so it goes first, and where it is refused an insert that skips what
 * is there goes second. A table that takes no COPY (one with row-level security) gets inserts only.
 *
 * To skip what is there takes the right to read it. A user that may only insert has its batches written in halves.
 */
export const createWrite = (session: Session<Client>, target: Target, spelling: Spelling): WriteBatch<Client> => {
  const guard = createGuard(session, target)
  const copy = createCopy(session, target, spelling, guard.statement)
  const key = target.key.map((name) => session.quote(name)).join(', ')
  const insertNew = createInsert(session, target, spelling, guard.statement, `on conflict (${key}) do nothing`)
  const insertAll = createInsert(session, target, spelling, guard.statement, '')
  let copies = true
  let skips = true

  /** Resolves with false where the table takes no COPY, or refused the batch. */
  const tryCopy: (...args: Parameters<WriteBatch<Client>>) => Promise<boolean> = async (session, records, signal) => {
    try {
      await copy(session, records, signal)
      return true
    } catch (error) {
      if (isUntranslatable(error)) throw error
      if (isNoCopy(error)) copies = false
      else if (isRefusal(error)) await guard.expect(session)
      else throw error
      return false
    }
  }

  const write: WriteBatch<Client> = async (session, records, signal) => {
    if (copies && skips && (await tryCopy(session, records, signal))) return
    if (skips) {
      try {
        return await insertNew(session, records, signal)
      } catch (error) {
        if (isRefusal(error)) await guard.expect(session)
        if (!isDenied(error)) throw error
        skips = false
      }
    }
    const judge = createJudge(session, target)
    return writeInHalves(
      records,
      async (some) => void (await (copies ? copy : insertAll)(session, some, signal)),
      async (error) => {
        if (isRefusal(error)) await guard.expect(session)
        return judge(error)
      },
    )
  }
  /** What the database's encoding turns out to lack is spelled, and then it goes in. */
  return async (session, records, signal) => {
    try {
      return await write(session, records, signal)
    } catch (error) {
      // Others than we may have written their text with escapes.
      const texts = records.map(({ json }) => (json.includes('\\u') ? encode(decode(json)) : json))
      if (!isUntranslatable(error) || !(await learnFrom(session, spelling, texts))) throw error
      return write(session, records, signal)
    }
  }
}
