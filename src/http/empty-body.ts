import { hasMembers } from '../records/members.ts'

/**
 * No body, or the empty object that parsers (Express 4's, Koa's) leave where they refused the bytes or left them to another parser. A list
 * or bytes are none, and no names of theirs are listed to tell: there may be a million.
 */
export const isEmptyBody = (body: unknown): boolean =>
  body == null || (typeof body === 'object' && !Array.isArray(body) && !ArrayBuffer.isView(body) && !hasMembers(body))
