import { hasCode, messageOf } from '../errors/errors.ts'
import { actualColumnsOf, columnsOf } from '../schema/columns.ts'
import type { PredictionSchema } from '../schema/schema.ts'
import type { Sink } from '../sink.ts'
import { sinkUrlMistake } from './url.ts'

/** What a JSON Schema can't see. A check says what is wrong, to be read after the value; undefined: nothing. */
export type SettingCheck = (text: string) => string | undefined

const isText = (value: unknown): value is string => typeof value === 'string'

/** The mistakes of a text, or of each in a list. */
export const eachMistake =
  (check: SettingCheck) =>
  (value: string | readonly string[] | undefined): readonly string[] =>
    [value ?? []].flat().map(check).filter(isText)

export const sinkMistakes = (sinks: readonly (string | Sink)[]): readonly string[] => {
  const mistakes = eachMistake(sinkUrlMistake)(sinks.filter(isText))
  return new Set(sinks).size < sinks.length ? [...mistakes, 'names the same sink twice'] : mistakes
}

export const schemaMistakes = (schema: PredictionSchema | undefined): readonly string[] => {
  try {
    columnsOf(schema)
    actualColumnsOf(schema)
    return []
  } catch (error) {
    if (!hasCode(error, 'PREDICTIONS_BAD_CONFIGURATION')) throw error
    return [messageOf(error)]
  }
}

/** A header's name: a token of RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/

/** Headers that carry what lets a caller in: never stored. */
const SECRET_HEADERS = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie', 'x-api-key']

export const tagHeaderMistake: SettingCheck = (name) => {
  if (!TOKEN.test(name)) return `"${name}" is not a header's name`
  if (SECRET_HEADERS.includes(name)) return `"${name}" carries credentials, which are never stored`
  return undefined
}

/** Response headers with a meaning of their own in HTTP, which an id would break. */
const TAKEN_HEADERS =
  /^(connection|content-.*|date|keep-alive|location|set-cookie|trailer|transfer-encoding|upgrade|vary)$/i

export const idHeaderMistake: SettingCheck = (name) => {
  if (name !== '' && !TOKEN.test(name)) return "is not a header's name"
  if (TAKEN_HEADERS.test(name)) return 'has a meaning of its own in HTTP: write another, such as X-Prediction-Id'
  return undefined
}
