import { existsSync } from 'node:fs'
import { PredictionsError } from '../../../src/errors/errors.ts'
import { DatabaseSync } from '../../../src/node.ts'
import type { TableColumn } from '../report/columns.ts'

/**
 * A file to be read: all statements see one state of it, and nothing is written.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: there is no such file
 */
export const openToRead = (file: string): DatabaseSync => {
  if (!existsSync(file))
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      `${file} does not exist: name the file by --sink or PREDICTIONS_SINK`,
    )
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 })
  database.exec('begin')
  return database
}

/** The columns of a table; none: there is no such table. */
export const tableColumnsOf = (database: DatabaseSync, table: string): TableColumn[] =>
  database.prepare('select name, lower(type) as type from pragma_table_xinfo(?)').all(table) as unknown as TableColumn[]
