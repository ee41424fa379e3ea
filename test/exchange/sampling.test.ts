import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createSampler, parseAlways, parseRates, rateOf } from '../../src/exchange/sampling.ts'

const never = { errors: false, slowMs: undefined }
const keepAt = (rate: number) => createSampler({ rate, always: never }).keep

describe('keep', () => {
  it('decides by the first 52 bits of SHA-256, as any other system can', () => {
    const fraction = (id: string) => Number(createHash('sha256').update(id).digest().readBigUInt64BE() >> 12n) / 2 ** 52
    for (const id of ['', 'a', 'order-7', 'ключ', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f0000']) {
      expect(keepAt(fraction(id))(id)).toBe(false)
      expect(keepAt(fraction(id) + 2 ** -52)(id)).toBe(true)
    }
  })

  it('decides alike for ever: these answers must not change', () => {
    const kept = Array.from({ length: 40 }, (_, i) => `request-${i}`).filter(keepAt(0.25))
    expect(kept).toMatchInlineSnapshot(`
      [
        "request-1",
        "request-10",
        "request-11",
        "request-27",
        "request-28",
        "request-37",
      ]
    `)
  })

  it('decides alike in another process', () => {
    const sample = fileURLToPath(new URL('../../src/exchange/sampling.ts', import.meta.url))
    const program = `
      const { createSampler } = await import(${JSON.stringify(sample)})
      const { keep } = createSampler({ rate: 0.3, always: {} })
      console.log(Array.from({ length: 1000 }, (_, i) => (keep('id-' + i) ? 1 : 0)).join(''))`
    const theirs = execFileSync('node_modules/.bin/node', ['--input-type=module', '-e', program], { encoding: 'utf8' })
    const ours = Array.from({ length: 1000 }, (_, i) => (keepAt(0.3)(`id-${i}`) ? 1 : 0)).join('')
    expect(theirs.trim()).toBe(ours)
  })

  it('keeps at a higher rate whom it keeps at a lower', () => {
    const ids = Array.from({ length: 5000 }, (_, i) => `id-${i}`)
    const more = new Set(ids.filter(keepAt(0.5)))
    expect(ids.filter(keepAt(0.1)).every((id) => more.has(id))).toBe(true)
  })

  it('keeps all at 1 and none at 0', () => {
    const ids = Array.from({ length: 100 }, () => randomUUID())
    expect(ids.every(keepAt(1))).toBe(true)
    expect(ids.some(keepAt(0))).toBe(false)
  })

  it.each([
    ['sequential ids', (i: number) => `request-${i}`],
    ['numbers', (i: number) => String(i)],
    [
      'UUIDv7 of one process',
      (i: number) => `019a0000-${(i >> 4).toString(16).padStart(4, '0')}-7${(i & 15).toString(16)}00-8000-000000000000`,
    ],
    ['random UUIDs', () => randomUUID()],
  ])('is uniform over %s (chi-square, 20 classes)', (_, idOf) => {
    const total = 8_000
    const classes = 20
    const keeps = Array.from({ length: classes - 1 }, (_, k) => keepAt((k + 1) / classes))
    const counts = new Array<number>(classes).fill(0)
    for (let i = 0; i < total; i++) {
      const id = idOf(i)
      // The class of an id is the first rate at which it is kept: by bisection, as the rates are nested.
      let low = 0
      let high = classes - 1
      while (low < high) {
        const middle = (low + high) >> 1
        if (keeps[middle]!(id)) high = middle
        else low = middle + 1
      }
      counts[low]!++
    }
    const expected = total / classes
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 19 degrees of freedom: 50 is passed by one in 8,000 uniform draws, and only the last case is drawn anew.
    expect(chiSquare).toBeLessThan(60)
  })
})

describe('weight', () => {
  const ok = { status: 200, durationMs: 5, error: null }

  it('is 1 / rate for who was kept by the rate, 0 for who was not', () => {
    const { weight, waits } = createSampler({ rate: 0.25, always: never })
    expect(weight({ ...ok, kept: true })).toBe(4)
    expect(weight({ ...ok, kept: false })).toBe(0)
    expect(weight({ ...ok, status: 500, durationMs: 1e9, kept: false })).toBe(0)
    expect(waits).toBe(false)
  })

  it('is 1 for who is always kept, also where the rate kept it too', () => {
    const { weight, waits } = createSampler({ rate: 0.25, always: { errors: true, slowMs: 500 } })
    expect(waits).toBe(true)
    for (const kept of [true, false]) {
      expect(weight({ ...ok, status: 400, kept })).toBe(1)
      expect(weight({ ...ok, status: 503, kept })).toBe(1)
      expect(weight({ ...ok, error: 'the client went away', kept })).toBe(1)
      expect(weight({ ...ok, durationMs: 500, kept })).toBe(1)
    }
    expect(weight({ ...ok, durationMs: 499.9, kept: false })).toBe(0)
    expect(weight({ ...ok, kept: true })).toBe(4)
  })

  it('at rate 0 keeps only who is always kept; at 1 everybody with weight 1', () => {
    const none = createSampler({ rate: 0, always: { errors: true, slowMs: undefined } })
    expect(none.weight({ ...ok, kept: none.keep('x') })).toBe(0)
    expect(none.weight({ ...ok, status: 500, kept: none.keep('x') })).toBe(1)
    const all = createSampler({ rate: 1, always: { errors: true, slowMs: undefined } })
    expect(all.waits).toBe(false)
    expect(all.weight({ ...ok, kept: all.keep('x') })).toBe(1)
  })

  it.each([
    ['without always', 0.1, never],
    ['errors always', 0.1, { errors: true, slowMs: undefined }],
    ['errors and slow ones always', 0.05, { errors: true, slowMs: 40 }],
  ])('gives unbiased counts and means: %s', (_, rate, always) => {
    const sampler = createSampler({ rate, always })
    // Durations, failures and the value all depend on each other: a weight that is wrong for one kind would show.
    const requests = Array.from({ length: 20_000 }, (_, i) => {
      const durationMs = (i * 7919) % 50
      const status = (i * 104_729) % 17 === 0 ? 500 : 200
      return { status, durationMs, value: durationMs * 2 + (status === 500 ? 300 : 0) + (i % 3) }
    })
    const trials = 20
    const sums = { count: [] as number[], errors: [] as number[], value: [] as number[] }
    for (let trial = 0; trial < trials; trial++) {
      let [count, errors, value] = [0, 0, 0]
      requests.forEach((request, i) => {
        // A tenth of the requests a trial.
        if (i % 10 !== trial % 10) return
        const weight = sampler.weight({ ...request, kept: sampler.keep(`${trial}-${i}`) })
        count += weight
        value += weight * request.value
        if (request.status === 500) errors += weight
      })
      sums.count.push(count)
      sums.errors.push(errors)
      sums.value.push(value)
    }
    const truth = { count: 2000, errors: 0, value: 0 }
    for (const { status, value } of requests) {
      if (status === 500) truth.errors += 0.1
      truth.value += value / 10
    }
    for (const name of ['count', 'errors', 'value'] as const) {
      const mean = sums[name].reduce((a, b) => a + b) / trials
      const variance = sums[name].reduce((sum, x) => sum + (x - mean) ** 2, 0) / (trials - 1)
      // Ids are fixed, so this is no game of chance: within 3.5 standard errors, or exact where nothing is left to chance.
      expect(Math.abs(mean - truth[name])).toBeLessThanOrEqual(3.5 * Math.sqrt(variance / trials) + truth[name] * 1e-3)
      if (name === 'errors' && always.errors) expect(mean).toBeCloseTo(truth.errors, 6)
    }
  })
})

describe('what the variables say', () => {
  it.each([
    ['0.1', { rate: 0.1, byRoute: {} }],
    ['.5', { rate: 0.5, byRoute: {} }],
    ['POST /predict=0.1, POST /v2/*=1', { rate: 1, byRoute: { 'POST /predict': 0.1, 'POST /v2/*': 1 } }],
    ['0.5, POST /a=b=0', { rate: 0.5, byRoute: { 'POST /a=b': 0 } }],
  ])('rates: %s', (text, expected) => {
    expect(parseRates(text)).toEqual(expected)
  })

  it.each(['', 'half', '0.1, 0.2', 'POST /predict', 'POST /predict=', '1e-1', '-1', 'NaN'])('no rates: %s', (text) => {
    expect(parseRates(text)).toBeUndefined()
  })

  it('a route has its own rate, else the common one', () => {
    const rates = parseRates('0.5, POST /predict=0')!
    expect(rateOf(rates, 'POST /predict')).toBe(0)
    expect(rateOf(rates, 'POST /other')).toBe(0.5)
    expect(rateOf(rates, 'constructor')).toBe(0.5)
  })

  it.each([
    ['errors', { errors: true, slowMs: undefined }],
    ['errors,slow:500ms', { errors: true, slowMs: 500 }],
    [' slow: 1.5 s ', { errors: false, slowMs: 1500 }],
    ['slow:20', { errors: false, slowMs: 20 }],
  ])('always: %s', (text, expected) => {
    expect(parseAlways(text)).toEqual(expected)
  })

  it.each(['error', 'slow', 'slow:', 'slow:fast', 'errors slow:5ms', 'slow:-5ms'])('no always: %s', (text) => {
    expect(parseAlways(text)).toBeUndefined()
  })
})
