import type { Fit } from '../../src/schema/fit.ts'
import { fitField } from './fit.ts'
import { typeOf, type Field, type Fields } from './mappings.ts'

/** A field that can't hold all of our values. */
export interface Narrow {
  /** `['features', 'sepal_length']` */
  readonly path: readonly string[]
  readonly type: string
  readonly wanted: string
  readonly fit: Exclude<Fit, 'all'>
}

export interface Difference {
  /** Fields that have to be added, or to become dynamic: a mapping to be put. Undefined: none. */
  readonly missing: Record<string, Field> | undefined
  readonly narrow: readonly Narrow[]
}

/** Names come from schemas and requests: `constructor` is a field only where it is one. */
const own = (fields: Fields, name: string): Field | undefined =>
  Object.hasOwn(fields, name) ? fields[name] : undefined

/** Whether Elasticsearch looks into what is only to be kept. */
const looksInto = (found: Field, wanted: Field): boolean =>
  wanted['enabled'] === false && found['enabled'] !== false && String(found.dynamic) !== 'false'

/** `date (epoch_second)` */
const wordsFor = (field: Field): string =>
  typeof field['format'] === 'string' ? `${typeOf(field)} (${field['format']})` : typeOf(field)

/** What has to be put to an object's mapping; undefined: nothing. */
const changeOf = (found: Field, wanted: Field, missing: Fields | undefined): Field | undefined => {
  const opens = wanted.dynamic === true && String(found.dynamic) !== 'true'
  const dynamic = looksInto(found, wanted) ? { dynamic: false } : opens ? { dynamic: true } : undefined
  if (!missing && !dynamic) return undefined
  return { ...(found.type && { type: found.type }), ...dynamic, properties: missing ?? {} }
}

/** Whether it has fields of its own: a flattened object has none, nor has one that is only kept. */
const hasFields = (found: Field): boolean => typeOf(found) !== 'flattened' && found['enabled'] !== false

/** Without these there is no document, or no place for what does not fit: other fields may be of any type. */
export const isNeeded = ([name]: readonly string[]): boolean => ['id', 'timestamp', 'extra'].includes(name ?? '')

/** What stands between the fields that are there and those that are wanted. */
export const compare = (wanted: Fields = {}, there: Fields = {}, above: readonly string[] = []): Difference => {
  const missing: [name: string, field: Field][] = []
  const narrow: Narrow[] = []
  for (const [name, field] of Object.entries(wanted)) {
    const found = own(there, name)
    if (found === undefined) {
      missing.push([name, field])
      continue
    }
    const path = [...above, name]
    const fit = fitField(found, field)
    if (fit === 'none' || (fit !== 'all' && !isNeeded(path)))
      narrow.push({ path, type: wordsFor(found), wanted: typeOf(field), fit })
    if (fit === 'none' || typeOf(field) !== 'object' || !hasFields(found)) continue
    const below = compare(field.properties, found.properties, path)
    narrow.push(...below.narrow)
    const change = changeOf(found, field, below.missing)
    if (change) missing.push([name, change])
  }
  return { missing: missing.length > 0 ? Object.fromEntries(missing) : undefined, narrow }
}

/** The fields that are there, and those that `compare` found missing. */
export const mergeMappings = (there: Fields = {}, missing: Fields): Fields => {
  const merged = new Map(Object.entries(there))
  for (const [name, field] of Object.entries(missing)) {
    const found = merged.get(name)
    merged.set(
      name,
      found ? { ...found, ...field, properties: mergeMappings(found.properties, field.properties ?? {}) } : field,
    )
  }
  return Object.fromEntries(merged)
}
