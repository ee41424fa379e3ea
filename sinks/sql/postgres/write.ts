import type { Client } from 'pg'
import type { Target, Write } from '../dialect.ts'
import { tabLines } from '../rows.ts'
import type { Session } from '../session.ts'
import { inSlices } from '../slices.ts'
import { copyFrom } from './copy.ts'
import { isNoCopy, isRefusal } from './errors.ts'
import { fields, jsonRows } from './rows.ts'

const names = (session: Session<Client>, target: Target): string =>
  target.columns.map(({ name }) => session.quote(name)).join(', ')

const createCopy = (session: Session<Client>, target: Target): Write<Client> => {
  const sql = `copy ${target.table} (${names(session, target)}) from stdin`
  const lineOf = tabLines(target, fields)
  return ({ connection }, records) => copyFrom(connection, sql, records, lineOf)
}

const createInsert = (session: Session<Client>, target: Target): Write<Client> => {
  const rows = target.columns.map(({ storedAs }, index) => `c${index} ${storedAs}`).join(', ')
  const key = target.key.map((name) => session.quote(name)).join(', ')
  const sql =
    `insert into ${target.table} (${names(session, target)}) ` +
    `select * from json_to_recordset($1::json) as r(${rows}) on conflict (${key}) do nothing`
  const jsonOf = jsonRows(target)
  return async (session, records) => {
    const rows: string[] = []
    await inSlices(records, (record) => void rows.push(jsonOf(record)))
    await session.query(sql, [`[${rows.join(',')}]`])
  }
}

/**
 * COPY is the fastest way in, and knows no `ON CONFLICT`. But a batch has rows that are there already only when it comes
 * again after a doubt, and then COPY stores none of it: so it goes first, and where it is refused an insert that skips what
 * is there goes second. A table that takes no COPY (one with row-level security, a view) gets inserts only.
 */
export const createWrite = (session: Session<Client>, target: Target): Write<Client> => {
  const copy = createCopy(session, target)
  const insert = createInsert(session, target)
  let copies = true
  return async (session, records, signal) => {
    if (copies) {
      try {
        return await copy(session, records, signal)
      } catch (error) {
        if (isNoCopy(error)) copies = false
        else if (!isRefusal(error)) throw error
      }
    }
    return insert(session, records, signal)
  }
}
