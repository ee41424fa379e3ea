import { PredictionsError } from '../../src/errors/errors.ts'
import { networkFix } from '../../src/errors/network-fixes.ts'

interface DriverError {
  readonly message?: string
  readonly code?: string
  readonly errors?: readonly unknown[]
}

/** What a driver says, in one line. Node.js' own error for several addresses that refused has no message. */
export const wordsOf = (error: unknown): string => {
  const { message, code, errors } = (error ?? {}) as DriverError
  if (message) return message
  if (errors && errors.length > 0) return wordsOf(errors[0])
  return code ?? String(error)
}

/** Causes are left out on purpose: drivers' errors carry the statement with its values, some the password. */
export const unavailable = (name: string, error: unknown, fix?: string): PredictionsError =>
  new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', `${name}: ${wordsOf(error)}${fix ? ` (${fix})` : ''}`)

export const timedOut = (name: string, error: unknown): PredictionsError =>
  new PredictionsError('PREDICTIONS_WRITE_TIMED_OUT', `${name}: ${wordsOf(error)}`)

export const batchRefused = (name: string, error: unknown): PredictionsError =>
  new PredictionsError('PREDICTIONS_BATCH_REFUSED', `${name}: ${wordsOf(error)}`)

/** Somebody changed the table: it is looked at again before anything more is written to it. */
export const tableChanged = (table: string): PredictionsError =>
  new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', `the columns of ${table} were changed, so it is looked at again`)

/** What a URL has to name where a server's certificate is not trusted, by OpenSSL's words: drivers give it codes of their own. */
const tlsFixes: readonly (readonly [words: RegExp, missing: string])[] = [
  [
    /self-signed certificate in certificate chain|unable to (get|verify)\b.*\b(issuer|first) cert/i,
    'the certificate of its authority',
  ],
  [/self-signed certificate/i, 'its certificate'],
]

/** What helps against an error of the network or of TLS. */
export const connectionFix = (error: unknown, authorityParameter?: string): string | undefined => {
  const words = wordsOf(error)
  const [, missing] = tlsFixes.find(([pattern]) => pattern.test(words)) ?? []
  return missing !== undefined && authorityParameter !== undefined
    ? `name ${missing} in the URL: ${authorityParameter}=FILE`
    : networkFix(words)
}
