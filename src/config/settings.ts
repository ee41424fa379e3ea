import { Ajv, type ValidateFunction } from 'ajv'
import { PredictionsError } from '../errors/errors.ts'
import { ruleWithHash } from '../redact/rules.ts'
import { Unreadable } from './kinds.ts'
import { didYouMean, nearestName } from './nearest.ts'
import { masked } from './masked.ts'
import type { CaptureOptions, Settings } from './options.ts'
import { shown, shownUnknown } from './masked-values.ts'
import { table, type Key, type Setting, type SettingValues } from './table.ts'

const keys = Object.keys(table) as Key[]
const settingOf = (key: Key) => table[key] as Setting<unknown>

/** The options that are objects of options: their members' keys are `group.option`. */
const groups = new Set(keys.filter((key) => key.includes('.')).map((key) => key.split('.', 1)[0]!))

const keyOfVariable = new Map(
  keys.flatMap((key) => (table[key].variable ? [[table[key].variable as string, key]] : [])),
)

/** A value that somebody gave, and what the error calls it. */
interface GivenValue {
  readonly name: string
  readonly value: unknown
}

/**
 * The configuration: each setting from the options, else from its environment variable, else its default.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION` that lists every mistake: name, value (secrets and passwords as `***`),
 * what is allowed, and the nearest name. An unknown option or `PREDICTIONS_*` variable is a mistake.
 */
export const resolveSettings = (options: CaptureOptions = {}, env: NodeJS.ProcessEnv = process.env): Settings => {
  const mistakes: string[] = []
  const given = new Map([...readEnvironment(env, mistakes), ...givenOptions(options, mistakes)])
  const values = new Map<Key, unknown>()
  for (const [key, { name, value }] of given) {
    const typed = settingOf(key).read(value)
    if (typed instanceof Unreadable) mistakes.push(`${name}: ${typed.reason}`)
    else values.set(key, typed)
  }
  for (const key of keysOfWrongType(values)) {
    values.delete(key)
    mistakes.push(wrongType(key, given.get(key)!))
  }
  for (const [key, value] of values) {
    const { name, value: asGiven } = given.get(key)!
    for (const mistake of settingOf(key).mistakes?.(value) ?? [])
      mistakes.push(`${name} is ${shown(settingOf(key), asGiven)}: ${mistake}`)
  }
  const settings = assemble(withDefaults(values))
  mistakes.push(...contradictions(settings, (key) => given.get(key)?.name ?? settingOf(key).variable ?? key))
  if (mistakes.length > 0) throw badConfiguration(mistakes)
  return settings
}

const badConfiguration = (mistakes: readonly string[]): PredictionsError => {
  const title = mistakes.length === 1 ? 'A mistake' : `${mistakes.length} mistakes`
  const lines = mistakes.map((mistake) => `  ${mistake.replaceAll('\n', '\n  ')}`)
  return new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `${title} in the configuration:\n${lines.join('\n')}`)
}

/** Variables whose features are to come: their names are known, so that none is taken for a slip of the pen. */
const UPCOMING: ReadonlySet<string> = new Set(['PREDICTIONS_MONITOR_TOKEN'])

function* readEnvironment(env: NodeJS.ProcessEnv, mistakes: string[]): Generator<[Key, GivenValue]> {
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('PREDICTIONS_') || value === undefined) continue
    const key = keyOfVariable.get(name)
    if (UPCOMING.has(name)) {
      if (value !== '') mistakes.push(`${name} is set, but what it is for is not in this version yet: unset it`)
    } else if (key === undefined) {
      if (!isServiceLink(name, value)) mistakes.push(unknownVariable(name, value))
    } else if (value !== '' || settingOf(key).emptyCounts) yield [key, { name, value }]
  }
}

/**
 * Whether a variable is one that Kubernetes (or Docker's links) sets for a service whose name begins with "predictions":
 * `PREDICTIONS_DB_SERVICE_HOST`, `PREDICTIONS_PORT_80_TCP_ADDR`, `PREDICTIONS_PORT=tcp://…`.
 */
const isServiceLink = (name: string, value: string): boolean =>
  /_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/.test(name) ||
  (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))

const unknownVariable = (name: string, value: string): string => {
  const names = [...keyOfVariable.keys()]
  const key = keyOfVariable.get(nearestName(name, names) ?? '')
  const hint = didYouMean(name, names) || `; known are ${names.join(', ')}`
  return `${name} is ${shownUnknown(name, value, key && settingOf(key))}: no such variable is known${hint}`
}

function* givenOptions(options: unknown, mistakes: string[], group = ''): Generator<[Key, GivenValue]> {
  if (typeof options !== 'object' || options === null) {
    mistakes.push(`${group === '' ? 'options' : `option ${group.slice(0, -1)}`} must be an object`)
    return
  }
  for (const [option, value] of Object.entries(options)) {
    const key = group + option
    if (value === undefined) continue
    if (groups.has(key)) yield* givenOptions(value, mistakes, `${key}.`)
    else if (Object.hasOwn(table, key)) yield [key as Key, { name: `option ${key}`, value }]
    else mistakes.push(unknownOption(key, value))
  }
}

const unknownOption = (name: string, value: unknown): string => {
  const names = [...keys, ...groups]
  const key = keys.find((key) => key === nearestName(name, names))
  const hint = didYouMean(name, names) || `; known are ${names.join(', ')}`
  return `option ${name} is ${shownUnknown(name, value, key && settingOf(key))}: no such option is known${hint}`
}

let validate: ValidateFunction | undefined

/** One schema for all settings, so that one pass of ajv finds all mistakes. Compiled at the first use, once. */
const validator = (): ValidateFunction => {
  if (validate) return validate
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true })
  ajv.addKeyword({
    keyword: 'methods',
    schemaType: 'array',
    validate: (names: readonly string[], value: unknown) =>
      typeof value === 'object' &&
      value !== null &&
      names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  })
  const properties = Object.fromEntries(keys.map((key) => [key, table[key].schema]))
  return (validate = ajv.compile({ type: 'object', properties }))
}

const keysOfWrongType = (values: ReadonlyMap<Key, unknown>): Set<Key> => {
  const check = validator()
  if (check(Object.fromEntries(values))) return new Set()
  return new Set(check.errors?.map(({ instancePath }) => instancePath.split('/', 2)[1] as Key))
}

const wrongType = (key: Key, { name, value }: GivenValue): string => {
  const setting = settingOf(key)
  const hint = typeof value === 'string' && setting.words ? didYouMean(value, setting.words) : ''
  return `${name} is ${shown(setting, value)}: must be ${setting.allowed}${hint}`
}

const withDefaults = (values: ReadonlyMap<Key, unknown>): SettingValues =>
  Object.fromEntries(
    keys.map((key) => {
      const { default: fallback } = settingOf(key)
      return [key, values.has(key) ? values.get(key) : typeof fallback === 'function' ? fallback() : fallback]
    }),
  ) as unknown as SettingValues

const assemble = (values: SettingValues): Settings => {
  const { sink: sinks, route: routes, ...others } = values
  const members = Object.entries(others)
  const group = (name: string) =>
    Object.fromEntries(
      members.filter(([key]) => key.startsWith(`${name}.`)).map(([key, value]) => [key.slice(name.length + 1), value]),
    )
  const settings = {
    ...Object.fromEntries(members.filter(([key]) => !key.includes('.'))),
    ...Object.fromEntries(Array.from(groups, (name) => [name, group(name)])),
    // A list of its own, which an option's may be frozen for.
    sinks: [...sinks],
    routes,
  } as unknown as Settings
  return masked(settings, groups)
}

/** Mistakes that lie between two settings. */
const contradictions = (settings: Settings, nameOf: (key: Key) => string): string[] => {
  const { routes, sampleRate, redact, redactKey, table, actualsTable } = settings
  const mistakes: string[] = []
  if (actualsTable?.toLowerCase() === table.toLowerCase())
    mistakes.push(`${nameOf('actualsTable')} is "${actualsTable}", which is the table of predictions: write another`)
  if (typeof settings.format !== 'string')
    for (const key of ['instances', 'predictions'] as const)
      if (settings[key] !== undefined)
        mistakes.push(`${nameOf(key)} is for the formats that have names: ${nameOf('format')} is one of yours`)
  for (const route of Object.keys(sampleRate.byRoute))
    if (!routes.includes(route))
      mistakes.push(
        `${nameOf('sampleRate')} names the route "${route}", which is not captured${didYouMean(route, routes)}`,
      )
  const hash = redactKey === undefined ? ruleWithHash(redact) : undefined
  if (hash !== undefined)
    mistakes.push(`${nameOf('redactKey')} is not set: "${hash}" in ${nameOf('redact')} needs a key`)
  return mistakes
}
