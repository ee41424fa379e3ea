import { isKeywords, pointerStep, type JsonSchema, type Keywords } from './schema.ts'

/** The references of one document. */
export interface References {
  /** What a `$ref` points to, within the document; undefined where there is nothing. */
  resolve(ref: string, from: Keywords): JsonSchema | undefined
  /** Where a schema stands in the document, as a JSON pointer. */
  pointerOf(schema: Keywords): string
}

/** Where a document without an `$id` stands. Any hierarchical URI does: it is never fetched. */
const DOCUMENT = 'capture-predictions:///'

/** Keywords whose values are data: an `$id` in there is no identifier. */
const data = new Set(['const', 'default', 'enum', 'examples'])

const urlOf = (reference: string, base: string): URL | undefined => {
  try {
    return new URL(reference, base)
  } catch {
    return undefined
  }
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'boolean' || isKeywords(value)

/** RFC 6901, own members only. */
const atPointer = (root: unknown, pointer: string): unknown => {
  let at = root
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  return at
}

/**
 * Resolves `$ref` within one document: JSON pointers, `$id` (draft-07's `#name` too), `$anchor`. Relative to the nearest
 * `$id`, as both drafts have it: https://json-schema.org/draft/2020-12/json-schema-core#section-8.2
 */
export const referencesOf = (document: JsonSchema): References => {
  const targets = new Map<string, unknown>([[DOCUMENT, document]])
  const places = new Map<object, { base: string; pointer: string }>()

  const scan = (value: unknown, above: string, pointer: string): void => {
    if (typeof value !== 'object' || value === null || places.has(value)) return
    let base = above
    if (isKeywords(value)) {
      const { $id, $anchor, $dynamicAnchor } = value
      const url = typeof $id === 'string' ? urlOf($id, base) : undefined
      if (url) targets.set(url.href.replace(/#$/, ''), value)
      if (url && !String($id).startsWith('#')) base = url.href.replace(/#.*$/, '')
      for (const anchor of [$anchor, $dynamicAnchor])
        if (typeof anchor === 'string') targets.set(`${base}#${anchor}`, value)
    }
    places.set(value, { base, pointer })
    for (const [key, member] of Object.entries(value))
      if (!data.has(key)) scan(member, base, pointer + pointerStep(key))
  }
  scan(document, DOCUMENT, '')

  const resolve: References['resolve'] = (ref, from) => {
    const url = urlOf(ref, places.get(from)?.base ?? DOCUMENT)
    if (!url) return undefined
    const [resource = '', fragment = ''] = url.href.split('#', 2)
    const found = targets.get(fragment === '' || fragment.startsWith('/') ? resource : url.href)
    try {
      const target = fragment.startsWith('/') ? atPointer(found, decodeURIComponent(fragment)) : found
      return isSchema(target) ? target : undefined
    } catch {
      return undefined // The fragment is no percent-encoded text.
    }
  }

  return { resolve, pointerOf: (schema) => places.get(schema)?.pointer ?? '' }
}
