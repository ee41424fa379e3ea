/** A record's member of this name, which may be what a user called a column: `constructor` is none unless it is there. */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined
