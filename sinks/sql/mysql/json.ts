import { encode } from '../../../src/records/json.ts'
import { spellJsonHalves } from '../text.ts'

/** MariaDB takes 31 levels of arrays and objects, MySQL 100. */
const MAX_LEVELS = 30
const LARGEST = 2n ** 64n
const SMALLEST = -(2n ** 63n)

/** MySQL would make a double of such an integer. */
const isPast64Bits = (value: unknown): boolean => typeof value === 'bigint' && (value >= LARGEST || value < SMALLEST)

const fits = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return !isPast64Bits(value)
  if (levels === 0) return false
  if (Array.isArray(value)) return value.every((item) => fits(item, levels - 1))
  for (const name in value) if (!fits((value as Record<string, unknown>)[name], levels - 1)) return false
  return true
}

const trim = (value: unknown, levels: number): unknown => {
  if (typeof value !== 'object' || value === null) return isPast64Bits(value) ? String(value) : value
  if (levels === 0) return encode(value)
  if (Array.isArray(value)) return value.map((item) => trim(item, levels - 1))
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, trim(member, levels - 1)]))
}

/**
 * JSON text that MySQL and MariaDB both take: what is nested too deep is a string of JSON, and an integer past 64 bits a
 * string of its digits.
 */
export const mysqlJson = (value: unknown): string =>
  spellJsonHalves(encode(fits(value, MAX_LEVELS) ? value : trim(value, MAX_LEVELS)))
