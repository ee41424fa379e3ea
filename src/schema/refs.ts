import { isKeywords, type JsonSchema, type Keywords } from './schema.ts'

/** Finds what a `$ref` of a schema points to, within the same document; undefined where there is nothing. */
export type Resolver = (ref: string, from: Keywords) => JsonSchema | undefined

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
const follow = (root: unknown, pointer: string): unknown => {
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
export const resolverOf = (document: JsonSchema): Resolver => {
  const places = new Map<string, unknown>([[DOCUMENT, document]])
  const bases = new Map<object, string>()

  const scan = (value: unknown, above: string): void => {
    if (typeof value !== 'object' || value === null || bases.has(value)) return
    let base = above
    if (isKeywords(value)) {
      const { $id, $anchor, $dynamicAnchor } = value
      if (typeof $id === 'string') {
        const url = urlOf($id, base)
        if (url && !$id.startsWith('#')) base = url.href.replace(/#.*$/, '')
        if (url) places.set(url.href.replace(/#$/, ''), value)
      }
      for (const anchor of [$anchor, $dynamicAnchor])
        if (typeof anchor === 'string') places.set(`${base}#${anchor}`, value)
    }
    bases.set(value, base)
    for (const [key, member] of Object.entries(value)) if (!data.has(key)) scan(member, base)
  }
  scan(document, DOCUMENT)

  return (ref, from) => {
    const url = urlOf(ref, bases.get(from) ?? DOCUMENT)
    if (!url) return undefined
    const [resource = '', fragment = ''] = url.href.split('#', 2)
    const found = fragment === '' || fragment.startsWith('/') ? places.get(resource) : places.get(url.href)
    try {
      const target = fragment.startsWith('/') ? follow(found, decodeURIComponent(fragment)) : found
      return isSchema(target) ? target : undefined
    } catch {
      return undefined // The fragment is no percent-encoded text.
    }
  }
}
