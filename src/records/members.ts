/** Whether an object has members of its own. */
export const hasMembers = <Value extends object>(value: Value | undefined): value is Value => {
  for (const name in value) if (Object.hasOwn(value, name)) return true
  return false
}
