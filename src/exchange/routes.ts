import { METHODS } from 'node:http'
import { didYouMean } from '../config/nearest.ts'

/** Finds the configured route that a request belongs to: the route as it was written, or undefined. Never throws. */
export type RouteMatcher = (method: string, url: string) => string | undefined

interface PathSegment {
  /** It stands for any text that is not empty, before `text`; else it is `text`. */
  readonly isParameter: boolean
  readonly text: string
}

interface Pattern {
  readonly route: string
  readonly segments: readonly PathSegment[]
  /** The path ends in `*`: more segments may follow. */
  readonly open: boolean
}

interface MethodRoutes {
  /** Routes without parameters, by path. */
  readonly fixed: Map<string, string>
  /** Routes with `:name` or `*`, in the order given. */
  readonly patterns: Pattern[]
}

/**
 * A matcher for `routes`, each a method and a full path: `POST /predict`, `POST /v1/models/:name:predict`, `POST /v2/*`.
 *
 * - The path is compared without its query, exactly (by case too, unless the app's router ignores it), but for one slash at its end and percent-encoding: `/predict/` is
 *   `/predict`, `/%70redict` as well.
 * - `:name` at a segment's start stands for one segment that is not empty, or for its part before a literal `:suffix`.
 *   Elsewhere a colon is literal: `/v1/models/m:predict`.
 * - `*` at the end stands for the rest, also for none: `/v2/*` takes `/v2`.
 * - A route without parameters goes before those with, these in the order given.
 *
 * It runs for each request of the app: a route without parameters costs two look-ups, others time that is linear in the path.
 */
export const createRouteMatcher = (routes: readonly string[], ignoresCase = false): RouteMatcher => {
  const methods = new Map<string, MethodRoutes>()
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ')
    let own = methods.get(method)
    if (!own) methods.set(method, (own = { fixed: new Map(), patterns: [] }))
    addRoute(own, route, ignoresCase ? path.toLowerCase() : path)
  }

  return (method, url) => {
    const own = methods.get(method)
    if (own === undefined) return undefined
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    return matchIn(own, ignoresCase ? path.toLowerCase() : path)
  }
}

const addRoute = ({ fixed, patterns }: MethodRoutes, route: string, path: string): void => {
  const segments = path.split('/').slice(1).map(segmentOf)
  const open = path.endsWith('/*')
  if (open || segments.some(({ isParameter }) => isParameter)) {
    if (open || path.endsWith('/')) segments.pop()
    patterns.push({ route, segments, open })
    return
  }
  const spelling = normal(path)
  if (!fixed.has(spelling)) fixed.set(spelling, route)
}

/** `:name`, or `:name` and the literal rest of the segment, which begins with a colon. */
const PARAMETER = /^:[A-Za-z_]\w*(:.+)?$/

const segmentOf = (text: string): PathSegment => {
  const isParameter = text.startsWith(':')
  return { isParameter, text: decoded(isParameter ? (PARAMETER.exec(text)?.[1] ?? '') : text) }
}

const matchIn = ({ fixed, patterns }: MethodRoutes, target: string): string | undefined => {
  const path = normal(pathOf(target))
  return fixed.get(path) ?? patterns.find((pattern) => matches(pattern, path))?.route
}

const matches = ({ segments, open }: Pattern, path: string): boolean => {
  let at = 0
  for (const { isParameter, text } of segments) {
    if (path[at] !== '/') return false
    const slash = path.indexOf('/', at + 1)
    const end = slash < 0 ? path.length : slash
    const length = end - at - 1
    const fits = isParameter
      ? length > text.length && path.endsWith(text, end)
      : length === text.length && path.startsWith(text, at + 1)
    if (!fits) return false
    at = end
  }
  return open || at === path.length
}

/** A path from a request's target, which may be in absolute form (`http://host/path`, RFC 9112, 3.2.2) or carry a fragment. */
const pathOf = (target: string): string => {
  const fragment = target.indexOf('#')
  const whole = fragment < 0 ? target : target.slice(0, fragment)
  if (whole.startsWith('/')) return whole
  const host = whole.indexOf('://')
  if (host < 0) return whole
  const path = whole.indexOf('/', host + 3)
  return path < 0 ? '/' : whole.slice(path)
}

/** The one spelling of a path: percent-decoded, without a slash at its end. */
const normal = (path: string): string => {
  const open = path.endsWith('/') ? path.slice(0, -1) : path
  return open.includes('%') ? open.split('/').map(decoded).join('/') : open
}

/** Percent-decoded, but for a slash, which would part the segment. What can't be decoded is compared as it came. */
const decoded = (segment: string): string => {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment).replaceAll('/', '%2F')
  } catch {
    return segment
  }
}

/** What is wrong with a route, with the right spelling where it can be told; undefined: nothing. */
export const routeMistake = (route: string): string | undefined => {
  const [method = '', path, ...rest] = route.split(' ')
  if (method.startsWith('/') && path === undefined) return `"${route}" has no method: write "POST ${route}"`
  if (path === undefined || rest.length > 0)
    return `"${route}" is not a method, a space and a path, as "POST /predict" is`
  if (!METHODS.includes(method)) {
    const upper = method.toUpperCase()
    const fix = METHODS.includes(upper) ? `: write "${upper} ${path}"` : didYouMean(upper, METHODS)
    return `"${route}" begins with an unknown method${fix}`
  }
  return pathMistake(route, method, path)
}

const pathMistake = (route: string, method: string, path: string): string | undefined => {
  if (!path.startsWith('/')) return `"${route}" has a path that does not begin with a slash: write "${method} /${path}"`
  const cut = path.search(/[?#]/)
  if (cut >= 0) return `"${route}" has a query or a fragment: write "${method} ${path.slice(0, cut)}"`
  const segments = path.slice(1).split('/')
  const star = segments.findIndex((segment) => segment.includes('*'))
  if (star >= 0 && (star < segments.length - 1 || segments[star] !== '*'))
    return `"${route}" has a * that is not its last segment: write :name for one segment`
  const bad = segments.find((segment) => segment.startsWith(':') && !PARAMETER.test(segment))
  if (bad !== undefined)
    return `"${route}" has the parameter "${bad}": its name is letters, digits and _, as in :name or :name:predict`
  return undefined
}
