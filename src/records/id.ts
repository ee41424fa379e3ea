import { randomFillSync } from 'node:crypto'

/**
 * Ids of predictions: UUIDv7 (RFC 9562, section 5.7), monotonic within a process, made in bases for batches.
 *
 *     tttttttt-tttt-7ccc-vrrr-rrrrrrrrkkkk
 *     t  48 bits  milliseconds since 1970 (never less than those of the id before: a clock set back changes nothing)
 *     c  12 bits  counter within the millisecond, from a random start in its lower half
 *     v,r 46 bits random, drawn for each id; v also holds the variant's two bits
 *     k  16 bits  index of the instance: 0000 in a base
 */

/** Instances that one base id can name. */
export const INSTANCES_PER_BASE = 0x10000

const COUNTER_LIMIT = 0x1000
/** Random bytes drawn from the system at once: six for each id, two for each millisecond's counter. */
const POOL_BYTES = 6 * 1024

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
const hex2 = Array.from({ length: 0x100 }, (_, byte) => hex(byte, 2))

/**
 * A generator of base ids.
 * @param now the clock, in milliseconds since 1970
 * @example const nextId = createIds(); nextId() // '0198b1f2-6a3c-7a41-9d2e-5b7c10f30000'
 */
export const createIds = (now: () => number = Date.now): (() => string) => {
  const pool = Buffer.allocUnsafe(POOL_BYTES)
  let at = POOL_BYTES
  let millisecond = 0
  let counter = COUNTER_LIMIT
  let prefix = ''

  const byte = (): number => {
    if (at === POOL_BYTES) {
      randomFillSync(pool)
      at = 0
    }
    return pool[at++]!
  }

  const startMillisecond = (time: number): void => {
    millisecond = time
    counter = ((byte() << 8) | byte()) & 0x7ff
    const digits = hex(time, 12)
    prefix = `${digits.slice(0, 8)}-${digits.slice(8)}-7`
  }

  return () => {
    const time = now()
    if (time > millisecond) startMillisecond(time)
    // The counter ran out, or was never started: borrow from the next millisecond.
    else if (counter === COUNTER_LIMIT) startMillisecond(millisecond + 1)
    const count = counter++
    return (
      prefix +
      hex2[count >>> 4]! +
      (count & 15).toString(16) +
      '-' +
      hex2[0x80 | (byte() & 0x3f)]! +
      hex2[byte()]! +
      '-' +
      hex2[byte()]! +
      hex2[byte()]! +
      hex2[byte()]! +
      hex2[byte()]! +
      '0000'
    )
  }
}

/** The id of instance `index` (below 65,536) of a base id. */
export const instanceId = (base: string, index: number): string =>
  index === 0 ? base : base.slice(0, 32) + hex2[index >>> 8]! + hex2[index & 0xff]!

const UUID_V7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

/** Whether a text in small letters is a UUIDv7, as ids of predictions are. */
export const isUuidV7 = (text: string): boolean => UUID_V7.test(text)

/** When an id was made, in milliseconds since 1970. */
export const timeOfId = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

/** The base id of an instance's. */
export const baseOfId = (id: string): string => `${id.slice(0, 32)}0000`

/** The index of the instance. */
export const instanceOfId = (id: string): number => Number.parseInt(id.slice(32), 16)
