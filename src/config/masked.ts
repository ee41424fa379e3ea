import type { Members } from '../records/members.ts'
import { table, type Setting } from './table.ts'
import { redactUrl } from './url.ts'

/** What `util.inspect` asks an object for its own form by. */
const kInspect = Symbol.for('nodejs.util.inspect.custom')

/** Shown in a value's place by `JSON.stringify` and `util.inspect`, and so by every logger. The value itself stays as it is. */
const shownAs = <Value extends object>(value: Value, shown: unknown): Value => {
  for (const name of ['toJSON', kInspect])
    Object.defineProperty(value, name, { value: () => shown, enumerable: false, configurable: true })
  return value
}

const isSecret = (key: string): boolean => (table as Readonly<Record<string, Setting<unknown>>>)[key]?.secret === true

const withoutSecrets = (members: Members, group = ''): Members =>
  Object.fromEntries(
    Object.entries(members).map(([name, value]) => [
      name,
      value !== undefined && isSecret(`${group}${name}`) ? '***' : value,
    ]),
  )

/**
 * Settings, and the parts of them that hold secrets, so that none goes into a log as soon as somebody logs them: URLs are shown without
 * their passwords, keys and passwords as `***`.
 * @param groups the members that are objects of settings
 */
export const masked = <Settings extends { readonly sinks: readonly unknown[] }>(
  settings: Settings,
  groups: Iterable<string>,
): Settings => {
  const members = settings as Members
  const sinks = settings.sinks.map((sink) => (typeof sink === 'string' ? redactUrl(sink) : sink))
  const shown: Record<string, unknown> = { ...withoutSecrets(members), sinks }
  shownAs(settings.sinks, sinks)
  for (const group of groups) {
    shown[group] = withoutSecrets(members[group] as Members, `${group}.`)
    shownAs(members[group] as object, shown[group])
  }
  return shownAs(settings, shown)
}
