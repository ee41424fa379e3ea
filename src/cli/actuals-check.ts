import type { ActualsCheck, Unmatched } from '../actuals/check/check.ts'
import { reasons, type Reason } from '../actuals/check/reasons.ts'
import type { Settings } from '../config/options.ts'
import { resolveSettings } from '../config/settings.ts'
import { redactUrl } from '../config/url.ts'
import { readInstant } from '../report/time/windows.ts'
import { age, captureOptions, columns, count, printable, UsageError, type Invocation } from './command.ts'

const schemeOf = (url: string): string => url.slice(0, url.indexOf(':'))

/** The URL of the one sink whose tables can be asked. */
const storeUrl = ({ sinks }: Settings, schemes: readonly string[]): string => {
  const urls = sinks.filter((sink) => typeof sink === 'string')
  const [url, ...more] = urls.filter((sink) => schemes.includes(schemeOf(sink)))
  if (url === undefined)
    throw new UsageError(
      `actuals check reads SQL databases alone (${schemes.join(', ')}), and not ${urls.map(redactUrl).join(' or ')}: name one by --sink, as in --sink sqlite:FILE`,
    )
  if (more.length > 0)
    throw new UsageError(
      `PREDICTIONS_SINK names several databases, ${[url, ...more].map(redactUrl).join(' and ')}: say which by --sink`,
    )
  return url
}

const share = (part: number, all: number): string => (all === 0 ? '' : ` (${((100 * part) / all).toFixed(1)} %)`)

const lag = (seconds: number | null): string => (seconds === null ? '' : age(seconds * 1000))

const daysTable = ({ days }: ActualsCheck): string[] =>
  columns([
    ['day', 'model version', 'predictions', 'with an actual', 'median lag', '90 % within'],
    ...days.map(({ day, modelVersion, predictions, labelled, medianLag, lag90 }) => [
      day,
      printable(modelVersion),
      count(predictions),
      count(labelled) + share(labelled, predictions),
      lag(medianLag),
      lag(lag90),
    ]),
  ])

const subject = ({ id, requestId, instance }: Unmatched): string => {
  if (id !== undefined) return printable(id)
  return `request_id ${printable(requestId!)}${instance == null ? '' : `, instance ${instance}`}`
}

const example = (unmatched: Unmatched): string => {
  const { reports, batch } = unmatched
  const more = [
    ...(reports > 1 ? [`${count(reports)} reports`] : []),
    ...(batch === undefined ? [] : [`its batch made ${count(batch)}`]),
  ]
  return `       ${subject(unmatched)}${more.length > 0 ? ` (${more.join('; ')})` : ''}`
}

const reasonLines = ({ unmatched, examples }: ActualsCheck): string[] =>
  (Object.keys(reasons) as Reason[]).flatMap((reason) => {
    const number = unmatched[reason]
    if (number === undefined) return []
    const { isFinding, text } = reasons[reason]
    return [
      `${isFinding ? 'FOUND ' : 'note  '} ${count(number)} ${text}`,
      ...examples.filter((each) => each.reason === reason).map(example),
    ]
  })

const textOf = (checked: ActualsCheck): string[] => {
  const { store, since, predictions, labelled, hasActuals } = checked
  const name = printable(store)
  if (!hasActuals) return [`note   ${name}: there is no table of actuals yet: none were reported`]
  const found = reasonLines(checked)
  return [
    `${name} since ${since}: ${count(labelled)} of ${count(predictions)} predictions have an actual${share(labelled, predictions)}`,
    ...(predictions > 0 ? ['', ...daysTable(checked)] : []),
    '',
    ...(found.length > 0 ? found : ['ok     every actual has its prediction']),
  ]
}

/** `actuals check`. @returns the exit code */
export const checkStoredActuals = async ({ values, positionals, terminal }: Invocation): Promise<number> => {
  const [, ...more] = positionals
  if (more.length > 0) throw new UsageError(`actuals check takes no ${JSON.stringify(more[0])}`)
  const settings = resolveSettings(captureOptions(values))
  const since = readInstant('--since', (values['since'] as string | undefined) ?? '30d', new Date(), 'UTC')
  const { STORE_SCHEMES, actualsStoreOf } = await import('../stores.ts')
  const { checkActuals } = await import('../actuals/check/check.ts')
  const url = storeUrl(settings, STORE_SCHEMES)
  const { table, actualsTable } = settings
  const checked = await checkActuals(settings, since, () => actualsStoreOf({ url, table, actualsTable }))
  for (const line of values['json'] ? [JSON.stringify(checked, null, 2)] : textOf(checked)) terminal.out(line)
  const isFound = (Object.keys(checked.unmatched) as Reason[]).some((reason) => reasons[reason].isFinding)
  return isFound ? 1 : 0
}
