import type { Setting } from './table.ts'
import { redactUrl, splitUrls } from './url.ts'

const MAX_LENGTH = 200

const cut = (text: string): string => (text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text)

/** A value fit for an error or a log: secrets and URLs' passwords are `***`. */
export const shown = (setting: Pick<Setting<unknown>, 'secret'>, value: unknown): string =>
  setting.secret ? '***' : shownValue(value)

const shownValue = (value: unknown): string => {
  if (typeof value === 'string') return `"${cut(splitUrls(value).map(redactUrl).join(' '))}"`
  if (Array.isArray(value)) return cut(`[${value.slice(0, 20).map(shownValue).join(', ')}]`)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) {
    const { name } = value as { name?: unknown }
    return typeof name === 'string' ? `an object named "${cut(redactUrl(name))}"` : 'an object'
  }
  return String(value)
}

/** The value of a name that is not known: it may be that of a secret, whose name was mistyped. */
export const shownUnknown = (
  name: string,
  value: unknown,
  meant: Pick<Setting<unknown>, 'secret'> | undefined,
): string => (meant?.secret || /key|pass|pwd|secret|token|cred|auth/i.test(name) ? '***' : shownValue(value))
