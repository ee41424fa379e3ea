import { nearestName } from '../config/nearest.ts'

/** After so many requests, or so long after the first one, a log line says that none has matched. */
const MAX_MISSES = 100
const MAX_MS = 60_000
/** How many paths are remembered, to name the nearest, and how much of each. */
const MAX_PATHS = 20
const MAX_PATH = 100

/**
 * Notices a capture that sees requests and matches none: a wrong prefix, a route on a router, another method's path.
 *
 * @param routes as they are configured: `POST /predict`
 * @param say told once, with what a person can do
 * @returns called for each request that matched no route; it returns false when there is nothing more to notice
 */
export const createMissNotice = (
  routes: readonly string[],
  say: (message: string) => void,
): ((method: string, path: string) => boolean) => {
  const methods = new Set(routes.map((route) => route.split(' ', 1)[0]))
  const seen = new Set<string>()
  let misses = 0
  let since = 0

  return (method, path) => {
    if (!methods.has(method)) return true
    if (misses++ === 0) since = performance.now()
    const request = `${method} ${path}`.slice(0, MAX_PATH)
    if (seen.size < MAX_PATHS) seen.add(request)
    if (misses < MAX_MISSES && performance.now() - since < MAX_MS) return true
    const all = [...seen]
    const closest = routes.map((route) => nearestName(route, all)).find((found) => found !== undefined) ?? all[0]
    say(
      `none of ${misses} requests has matched ${routes.join(', ')}; the nearest was ${JSON.stringify(closest)}. ` +
        `Name the full path by PREDICTIONS_ROUTE or the option route, or give the option always: true to capture whatever passes here`,
    )
    return false
  }
}
