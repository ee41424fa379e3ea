import { readBoolean, readByteCount, readList, readNumber, readTrimmed } from './read.ts'

/** A value that could not be read, with a better reason than "not allowed". */
export class Unreadable {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** How one kind of setting is read, checked and explained. */
export interface SettingKind {
  /** Makes the typed value of what was given; what it can't read it gives back as it came, or as `Unreadable`. */
  readonly read: (given: unknown) => unknown
  /** JSON Schema of the typed value. */
  readonly schema: Readonly<Record<string, unknown>>
  /** What is allowed, to be read after "must be". */
  readonly allowed: string
  /** The words it may be, if these are all. */
  readonly words?: readonly string[]
}

/** Reads strings; other values stay. */
export const ofText =
  (read: (text: string) => unknown) =>
  (given: unknown): unknown =>
    typeof given === 'string' ? read(given) : given

/** `1,000,000`. Of a whole number; `toLocaleString` would load ICU's data when a service starts. */
const digits = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

export const oneOf = (words: readonly string[]): SettingKind => ({
  read: ofText((text) => text.trim().toLowerCase()),
  schema: { enum: words },
  allowed: `one of ${words.join(', ')}`,
  words,
})

export const wholeNumber = (minimum: number, maximum: number): SettingKind => ({
  read: ofText(readNumber),
  schema: { type: 'integer', minimum, maximum },
  allowed: `a whole number from ${digits(minimum)} to ${digits(maximum)}`,
})

export const milliseconds = (minimum: number, maximum: number): SettingKind => ({
  ...wholeNumber(minimum, maximum),
  allowed: `milliseconds, from ${digits(minimum)} to ${digits(maximum)}`,
})

export const bytes = (minimum: number, maximum: number): SettingKind => ({
  read: ofText(readByteCount),
  schema: { type: 'integer', minimum, maximum },
  allowed: `bytes, from ${digits(minimum)} to ${digits(maximum)}, as in 1000000, 64 MiB or 1GB`,
})

export const yesOrNo: SettingKind = {
  read: ofText(readBoolean),
  schema: { type: 'boolean' },
  allowed: 'true or false (also 1, 0, yes, no)',
}

export const text = (minLength: number, maxLength: number, allowed: string, pattern?: string): SettingKind => ({
  read: ofText(readTrimmed),
  schema: { type: 'string', minLength, maxLength, ...(pattern === undefined ? {} : { pattern }) },
  allowed,
})

/** JSON Schema of an object of the user's own, recognised by its shape: a name and functions (keyword of ours: `methods`). */
export const shapedLike = (...methods: readonly string[]) => ({
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', minLength: 1 } },
  methods,
})

/** A list with commas, or an array of strings. */
export const list = (allowed: string, { minItems = 0 } = {}): SettingKind => ({
  read: (given) => (Array.isArray(given) ? given.map(ofText(readTrimmed)) : ofText(readList)(given)),
  schema: { type: 'array', items: { type: 'string', minLength: 1 }, minItems },
  allowed,
})

/** A list whose items' case does not matter. */
export const lowerCase = (kind: SettingKind): SettingKind => ({
  ...kind,
  read: (given) => {
    const items = kind.read(given)
    return Array.isArray(items) ? items.map(ofText((item) => item.toLowerCase())) : items
  },
})
