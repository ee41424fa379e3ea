/** An object's members, by name. */
export type Members = Record<string, unknown>

/** Whether a value is an object that is looked into by its members: no null, list, bytes, date, map or set. */
export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value) &&
  !(value instanceof Date || value instanceof Map || value instanceof Set)

/** Whether an object has members of its own. */
export const hasMembers = <Value extends object>(value: Value | undefined): value is Value => {
  for (const name in value) if (Object.hasOwn(value, name)) return true
  return false
}
