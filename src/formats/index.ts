import { PredictionsError } from '../errors/errors.ts'
import type { Format, FormatReply, FormatRequest, RequestReading } from './format.ts'
import { contentOf, outlineOf } from './body.ts'
import { azureMl } from './azure-ml.ts'
import { csv } from './csv.ts'
import { instances } from './instances.ts'
import { json, jsonByAuto } from './json.ts'
import { jsonl } from './jsonl.ts'
import { mlflow } from './mlflow.ts'
import { hasTensors, openInference } from './open-inference.ts'
import { openai } from './openai.ts'
import { pandas, pandasFor } from './pandas.ts'
import { byPaths, type Paths } from './paths.ts'
import { hasPredictions } from './replies.ts'
import { isObject } from './rows.ts'
import { seldon } from './seldon.ts'
import { SIGNED } from './signed.ts'

/** The formats by name, in the order in which `auto` asks them. `json` takes what no other knows. */
export const formats: Readonly<Record<string, Format>> = Object.freeze(
  Object.fromEntries(
    [openInference, mlflow, azureMl, seldon, openai, instances, jsonl, csv, pandas, json].map((format) => [
      format.name,
      format,
    ]),
  ),
)

const inOrder = Object.values(formats)

/** What `PREDICTIONS_FORMAT` may say. */
export const formatNames: readonly string[] = ['auto', ...Object.keys(formats)]

/**
 * The format that reads a request: the user's own, the one named, or with `auto` the first that knows the request by its
 * content type and keys. The choice is told by its `name`, so that the stats can count it.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION` for a name that is none of `formatNames`
 */
export const chooseFormat = (setting: string | Format, request: FormatRequest): Format => {
  if (typeof setting !== 'string') return setting
  if (setting === 'auto') return formatByAuto(request)
  if (Object.hasOwn(formats, setting)) return formats[setting]!
  throw new PredictionsError(
    'PREDICTIONS_BAD_CONFIGURATION',
    `format "${setting}" is unknown; allowed are ${formatNames.join(', ')} or a function's object`,
  )
}

const formatByAuto = (request: FormatRequest): Format => {
  const content = contentOf(request)
  const value = outlineOf(content)
  const isSigned =
    content.isText || content.isLines || content.binary !== undefined || (isObject(value) && hasSignature(value))
  return (isSigned ? inOrder.find((format) => format.matches?.(request)) : undefined) ?? unsigned(value, request)
}

const hasSignature = (value: object): boolean => {
  for (const name in value) if (SIGNED.has(name)) return true
  return false
}

/** A getter or proxy of the app's may throw: it is read as JSON, which says so of the member alone. */
const unsigned = (value: unknown, request: FormatRequest): Format => {
  if (!isObject(value)) return json
  try {
    return pandasFor(request) ?? jsonByAuto
  } catch {
    return json
  }
}

/** What chooses the format of each request by the configuration. */
export const createFormatChooser = ({
  format,
  ...paths
}: Paths & { format: string | Format }): ((request: FormatRequest) => Format) => {
  if (typeof format !== 'string' || (paths.instances === undefined && paths.predictions === undefined))
    return (request) => chooseFormat(format, request)
  const made = new Map<Format, Format>()
  return (request) => {
    const base = chooseFormat(format, request)
    let at = made.get(base)
    if (at === undefined) made.set(base, (at = byPaths(paths, base === jsonByAuto ? json : base)))
    return at
  }
}

/** Whether nothing of a request's body could be read: then no format of ours knows how to read its reply. */
export const isUnread = (request: FormatRequest): boolean => outlineOf(contentOf(request)) === undefined

/** A request that has an unknown number of instances. */
const unknown = (request: RequestReading): RequestReading => ({ features: [], isBatch: true, context: request.context })

/**
 * How the reply to a request is read whose body could not be read: too large, or data that only the model knows. `auto` goes by
 * the reply's keys, and tells a batch by them.
 */
export const asUnread = (
  setting: string,
  format: Format,
  request: RequestReading,
  reply: FormatReply,
): { format: Format; request: RequestReading } => {
  const value = outlineOf(contentOf(reply))
  if (hasTensors(value)) return { format: setting === 'auto' ? openInference : format, request: unknown(request) }
  return { format, request: hasPredictions(value) ? unknown(request) : request }
}
