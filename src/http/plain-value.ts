/** A value that is nested deeper counts as not plain: it is read from the reply's bytes. */
const MAX_DEPTH = 100

const lookUpGetter = (Object.prototype as unknown as { __lookupGetter__: (name: string) => unknown }).__lookupGetter__

/**
 * Whether a value can be read without running the app's code, and again with the same result: no getters, and no `toJSON` but that of
 * dates. Anything else is serialised once, by the app, and read from what that gave.
 */
export const isPlainValue = (value: unknown, depth = 0): boolean => {
  if (typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value)) return true
  if (depth > MAX_DEPTH || 'toJSON' in value) return false
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++)
      if (typeof value[i] === 'object' && !isPlainValue(value[i], depth + 1)) return false
    return true
  }
  for (const name in value) {
    if (lookUpGetter.call(value, name) !== undefined) return false
    const member = (value as Record<string, unknown>)[name]
    if (typeof member === 'object' && member !== null && !isPlainValue(member, depth + 1)) return false
  }
  return true
}
