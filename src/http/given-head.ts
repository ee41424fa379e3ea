import type { ServerResponse } from 'node:http'

/** What `writeHead` takes beside the status: an object, a list of names and values by turns, or a list of pairs. */
type GivenHead = Readonly<Record<string, unknown>> | readonly unknown[]

/** A head that was given to `writeHead`: where no header was set before, Node.js writes it as it is, and forgets it. */
const kHead: unique symbol = Symbol('capture-predictions.head')
type Headed = ServerResponse & { [kHead]?: GivenHead }

const isPairs = (list: readonly unknown[]): list is readonly (readonly [string, unknown])[] => Array.isArray(list[0])

/** Names and values by turns. */
const flat = (list: readonly unknown[]): unknown[] => (isPairs(list) ? list.flat(1) : [...list])

const isName = (name: unknown, wanted: string): boolean => String(name).toLowerCase() === wanted

/** The place of a header in such a list: its value is the next; -1: it is not there. */
const placeIn = (list: readonly unknown[], wanted: string): number => {
  for (let at = 0; at < list.length; at += 2) if (isName(list[at], wanted)) return at
  return -1
}

const keyIn = (head: Readonly<Record<string, unknown>>, wanted: string): string | undefined => {
  // Frameworks write names in lower case.
  if (wanted in head) return wanted
  for (const name in head) if (isName(name, wanted)) return name
  return undefined
}

const valueIn = (head: GivenHead, wanted: string): unknown => {
  if (!Array.isArray(head)) {
    const key = keyIn(head as Readonly<Record<string, unknown>>, wanted)
    return key === undefined ? undefined : (head as Readonly<Record<string, unknown>>)[key]
  }
  const place = placeIn(head, wanted)
  return place < 0 ? undefined : head[place + 1]
}

/** A header's value as one text. */
export const headerText = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : Array.isArray(value) ? value.join(', ') : String(value)

/** A header that was given to `writeHead`, by its lower-case name. */
export const givenHeader = (res: ServerResponse, name: string): string | undefined => {
  const head = (res as Headed)[kHead]
  return head === undefined ? undefined : headerText(valueIn(head, name))
}

const withHeader = (head: GivenHead, name: string, value: string): GivenHead => {
  if (Array.isArray(head)) {
    const list = flat(head)
    const place = placeIn(list, name.toLowerCase())
    if (place >= 0) list[place + 1] = value
    return list
  }
  const key = keyIn(head as Readonly<Record<string, unknown>>, name.toLowerCase())
  return key === undefined ? head : { ...head, [key]: value }
}

/**
 * Puts our id into a head that is about to be written, and remembers the head.
 *
 * Pairs become a flat list: once a header is set, as ours is, Node.js takes no others.
 * https://nodejs.org/api/http.html#responsewriteheadstatuscode-statusmessage-headers
 *
 * @param args what `writeHead` was called with; what it is to be called with instead is put into it
 * @param id the header that is to be there
 * @returns another value that stood under the id's name, as one from a server behind this one
 */
export const takeHead = (
  res: ServerResponse,
  args: unknown[],
  id: { readonly name: string; readonly value: string } | undefined,
): string | undefined => {
  const place = typeof args[1] === 'object' && args[1] !== null ? 1 : 2
  const given = args[place]
  let head = typeof given === 'object' && given !== null ? (given as GivenHead) : undefined
  if (Array.isArray(head)) head = flat(head)
  const before = head === undefined || id === undefined ? undefined : headerText(valueIn(head, id.name.toLowerCase()))
  let replaced: string | undefined
  if (id !== undefined && head !== undefined && before !== undefined && before !== id.value) {
    replaced = before
    head = withHeader(head, id.name, id.value)
  }
  if (id !== undefined && before === undefined && !res.headersSent) replaced = setId(res, id)
  if (head !== undefined) {
    ;(res as Headed)[kHead] = head
    args[place] = head
  }
  return replaced
}

/**
 * Sets the header where it is missing, or another's.
 * @returns another's value
 */
export const setId = (
  res: ServerResponse,
  { name, value }: { readonly name: string; readonly value: string },
): string | undefined => {
  const before = headerText(res.getHeader(name))
  if (before === value) return undefined
  res.setHeader(name, value)
  return before
}
