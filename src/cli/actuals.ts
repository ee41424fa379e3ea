import { importActuals } from './actuals-import.ts'
import { settingOptions, settingsHelp, UsageError, type Command } from './command.ts'

/** What really happened, from files, and what of it has its prediction. */
export const actuals: Command = {
  summary: 'imports what predictions really were from a file',
  usage:
    'actuals import FILE|- [--format csv|ndjson] [--id COLUMN | --request-id COLUMN] [--actual COLUMN[=NAME]]… [--timestamp COLUMN]',
  help: `
import: reads reports from a CSV file with a header (delimited by commas, semicolons or tabs; UTF-8, or UTF-16 with its mark), or from
NDJSON, and stores them. Without options the columns are called as a report's members are: id, actual or the labels' names, timestamp,
source. Refused lines go to FILE.rejected, with number and reason. It is safe to run again: what is stored already is not stored twice.

  --format FORMAT       csv or ndjson. Default: by the file's ending, else by its first character
  --id COLUMN           the column with the prediction's id. Default: id
  --request-id COLUMN   in its place: the column with the caller's own id of the request
  --actual COLUMN=NAME  a column that is the label NAME (default: actual); as often as there are labels
  --timestamp COLUMN    when the truth became known: ISO 8601, in UTC where it names no zone. Default: timestamp
${settingsHelp.slice(1)}`,
  options: {
    ...settingOptions,
    format: { type: 'string' },
    id: { type: 'string' },
    'request-id': { type: 'string' },
    actual: { type: 'string', multiple: true },
    timestamp: { type: 'string' },
  },
  positionals: true,
  async run(invocation) {
    const [what] = invocation.positionals
    if (what === 'import') return importActuals(invocation)
    throw new UsageError(`say actuals import FILE${what === undefined ? '' : `, not ${JSON.stringify(what)}`}`)
  },
}
