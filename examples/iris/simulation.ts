import { setTimeout as pause } from 'node:timers/promises'
import { createRandom, normal } from './random.ts'

export interface SimulationOptions {
  /** Where the iris server is. */
  readonly url: string
  /** For so long flowers are sent, in seconds. */
  readonly seconds: number
  /** So many flowers are sent at most, evenly over nine tenths of the time. */
  readonly count: number
  /** The standard deviation that measures are wrong by at the end, in centimetres; at the beginning they are exact. */
  readonly noise: number
  /** What a flower really was is known so much later at most, in seconds. */
  readonly late: number
  /** The same seed makes the same flowers. */
  readonly seed: number
}

/** How the flowers of one quarter of the count did. */
export interface Quarter {
  predicted: number
  right: number
}

export interface Outcome {
  sent: number
  /** Flowers that the server gave no prediction for. */
  failed: number
  reported: number
  readonly quarters: readonly Quarter[]
}

interface Flower {
  readonly sepal: { readonly length: number; readonly width: number }
  readonly petal: { readonly length: number; readonly width: number }
}
interface Site {
  readonly flowers: readonly (Flower & { readonly species: number })[]
  readonly token: string
}
/** What is known of a flower, and not told yet. */
interface Truth {
  readonly report: { readonly id: string; readonly actual: number; readonly source: string }
  readonly knownAt: number
}

/** Of ten flowers one is never looked at again. */
const SHARE_KNOWN = 0.9
/** Flowers on their way at the same time. */
const AT_ONCE = 20
const STEP_MS = 50
/** All are sent in so much of the time, if the server keeps up; the rest is there to catch up. */
const SENDING = 0.9
/** A server that does not answer for so long ends the simulation, in milliseconds. */
const PATIENCE_MS = 10_000

/** A flower as somebody measures it who is wrong by `deviation`: in steps of a millimetre, and never nothing. */
export const measure = ({ sepal, petal }: Flower, deviation: number, random: () => number): Flower => {
  const wrong = (centimetres: number) => Math.max(0.1, Math.round((centimetres + deviation * normal(random)) * 10) / 10)
  return {
    sepal: { length: wrong(sepal.length), width: wrong(sepal.width) },
    petal: { length: wrong(petal.length), width: wrong(petal.width) },
  }
}

const createClient = (url: string, signal: AbortSignal) => {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, url), { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) })
  return {
    site: async () => (await (await ask('flowers')).json()) as Site,
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
  }
}

/**
 * Sends flowers whose measures get worse, and later what they really were. It ends when all are sent, after `seconds` and `late` at most,
 * or when `signal` says so.
 *
 * @param onProgress is called after each step
 * @throws where the server can't be reached, or refuses an actual
 */
export const simulate = async (
  options: SimulationOptions,
  signal: AbortSignal,
  onProgress: (outcome: Outcome) => void,
): Promise<Outcome> => {
  const { count, late, noise, seconds } = options
  const { site, post } = createClient(options.url, signal)
  const { flowers, token } = await site()
  const random = createRandom(options.seed)
  const outcome: Outcome = {
    sent: 0,
    failed: 0,
    reported: 0,
    quarters: Array.from({ length: 4 }, () => ({ predicted: 0, right: 0 })),
  }
  let waiting: Truth[] = []
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000

  const draw = (index: number) => {
    const { species, ...flower } = flowers[Math.floor(random() * flowers.length)]!
    const knownAfter = random() < SHARE_KNOWN ? random() * late : undefined
    return { index, species, knownAfter, measured: measure(flower, (noise * index) / count, random) }
  }

  const predict = async ({ index, species, knownAfter, measured }: ReturnType<typeof draw>) => {
    const reply = await post('predict', measured)
    const { prediction } = (await reply.json()) as { prediction?: number }
    const id = reply.headers.get('x-prediction-id')
    if (!reply.ok || id === null) return void outcome.failed++
    const quarter = outcome.quarters[Math.floor((4 * index) / count)]!
    quarter.predicted++
    if (prediction === species) quarter.right++
    if (knownAfter === undefined) return
    waiting.push({ report: { id, actual: species, source: 'simulation' }, knownAt: elapsed() + knownAfter })
  }

  const reportKnown = async () => {
    const known = waiting.filter(({ knownAt }) => knownAt <= elapsed())
    if (known.length === 0) return
    waiting = waiting.filter((truth) => !known.includes(truth))
    const reports = known.map(({ report }) => report)
    const reply = await post('actuals', reports, { authorization: `Bearer ${token}` })
    if (reply.status !== 202) throw new Error(`POST /actuals answered ${reply.status}: ${await reply.text()}`)
    outcome.reported += reports.length
  }

  const isSending = () => outcome.sent < count && elapsed() < seconds
  const due = () => Math.min(count, Math.ceil((count * elapsed()) / (SENDING * seconds))) - outcome.sent
  while (isSending() || waiting.length > 0) {
    if (isSending()) {
      const indexes = Array.from({ length: Math.min(due(), AT_ONCE) }, (_, k) => outcome.sent + k)
      outcome.sent += indexes.length
      await Promise.all(indexes.map(draw).map(predict))
    }
    await reportKnown()
    onProgress(outcome)
    await pause(due() > AT_ONCE ? 0 : STEP_MS, undefined, { signal })
  }
  return outcome
}
