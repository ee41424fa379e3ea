import { describe, expect, it } from 'vitest'
import { createIds, instanceId } from '../../src/records/id.ts'

describe('createIds', () => {
  it('makes UUIDv7 bases of the time', () => {
    const id = createIds(() => 0x0198b1f26a3c)()
    expect(id).toMatch(/^0198b1f2-6a3c-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{8}0000$/)
  })

  it('is monotonic and unique, more in a millisecond than its counter holds', () => {
    const nextId = createIds(() => 1_700_000_000_000)
    const ids = Array.from({ length: 20_000 }, nextId)
    expect(new Set(ids).size).toBe(ids.length)
    expect([...ids].sort()).toEqual(ids)
  })

  it('goes on in order when the clock is set back', () => {
    const times = [5000, 5001, 100, 0, 4999, 5002]
    let at = 0
    const nextId = createIds(() => times[at++]!)
    const ids = times.map(() => nextId())
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('is unique across processes that start in the same millisecond', () => {
    const ids = Array.from({ length: 5000 }, () => createIds(() => 1_700_000_000_000)())
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('instanceId', () => {
  it('sets the last four digits to the index', () => {
    const base = '0198b1f2-6a3c-7a41-9d2e-5b7c10f30000'
    expect(instanceId(base, 0)).toBe(base)
    expect(instanceId(base, 10)).toBe('0198b1f2-6a3c-7a41-9d2e-5b7c10f3000a')
    expect(instanceId(base, 65_535)).toBe('0198b1f2-6a3c-7a41-9d2e-5b7c10f3ffff')
  })
})
