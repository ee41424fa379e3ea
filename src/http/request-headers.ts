import type { IncomingHttpHeaders } from 'node:http'

/** W3C Trace Context, section 3.2: version, trace id, parent id, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/

/** The caller's own id of its request: `X-Request-Id`, else the trace id of `traceparent`. */
export const requestIdOf = (headers: IncomingHttpHeaders): string | undefined => {
  const given = headerOf(headers, 'x-request-id')
  if (given !== undefined) return given
  const traceparent = headerOf(headers, 'traceparent')
  return traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1]
}

/** A request header by its lower-case name, as one text. */
export const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return Array.isArray(value) ? value.join(', ') : value
}
