import { checkStoredActuals } from './actuals-check.ts'
import { importActuals } from './actuals-import.ts'
import { settingOptions, settingsHelp, UsageError, type Command } from './command.ts'

/** What really happened, from files, and what of it has its prediction. */
export const actuals: Command = {
  summary: 'imports what predictions really were (actuals), and says which predictions have one',
  usage:
    'actuals import FILE|- [--format csv|ndjson] [--id COLUMN | --request-id COLUMN] [--actual COLUMN[=NAME]]…\n         [--timestamp COLUMN]\n       capture-predictions actuals check [--since TIME] [--json]',
  help: `
import: reads reports from a CSV file with a header (delimited by commas, semicolons or tabs; UTF-8, or UTF-16 with a BOM), or from
NDJSON, and stores them. Without options it expects the columns id, actual (or the names of the labels), timestamp and source. Refused lines
go to FILE.rejected, with number and reason. It is safe to run again: what is stored already is not stored twice.

  --format FORMAT       csv or ndjson. Default: by the file's ending, else by its first character
  --id COLUMN           the column with the prediction's id. Default: id
  --request-id COLUMN   instead of --id: the column with the caller's own id of the request
  --actual COLUMN=NAME  the column with the label NAME (default: actual); once for each label
  --timestamp COLUMN    when the truth became known: ISO 8601, in UTC where it names no zone. Default: timestamp

check: says how many predictions have an actual, by day and model version, and how late actuals became known. For each actual without a
prediction it says why, as far as the id, the configuration and the outbox tell. Reads SQLite, Postgres, MySQL and MariaDB; changes nothing,
and needs only the right to read. Exits with 1 if actuals name ids that are unknown, impossible, ambiguous or of dead letters, or more
instances than a batch had. An actual whose prediction still waits in the outbox, was sampled out or is older than what is stored is
counted, and is no fault. A request with an id of its own (X-Request-Id) is sampled by that id, so its prediction's id does not tell whether
it was sampled out.

  --since TIME          predictions made, and actuals reported, since then: 30d (m, h, d, w), 2026-11-01, 2026-11-01T12:00:00Z. Default: 30d
  --json                prints it as JSON
${settingsHelp.slice(1)}`,
  options: {
    ...settingOptions,
    format: { type: 'string' },
    id: { type: 'string' },
    'request-id': { type: 'string' },
    actual: { type: 'string', multiple: true },
    timestamp: { type: 'string' },
    since: { type: 'string' },
    json: { type: 'boolean' },
  },
  positionals: true,
  async run(invocation) {
    const [what] = invocation.positionals
    if (what === 'import') return importActuals(invocation)
    if (what === 'check') return checkStoredActuals(invocation)
    throw new UsageError(
      `say actuals import FILE or actuals check${what === undefined ? '' : `, not ${JSON.stringify(what)}`}`,
    )
  },
}
