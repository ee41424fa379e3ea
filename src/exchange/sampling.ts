import { hash } from '../node.ts'

/** Shares of requests to keep, from 0 to 1. */
export interface SampleRates {
  /** For routes that have none of their own. */
  readonly rate: number
  /** By route, as the routes are written: `POST /predict`. */
  readonly byRoute: Readonly<Record<string, number>>
}

/** Requests that are kept whatever the rate. */
export interface Always {
  /** Those that failed: a status of 400 or more, or an error. */
  readonly errors: boolean
  /** Those that took at least so long, in milliseconds. */
  readonly slowMs: number | undefined
}

/** What is known of a request when its reply is made. */
export interface RequestOutcome {
  readonly status: number
  readonly durationMs: number
  /** The record's `error`. */
  readonly error?: string | null | undefined
  /** What `keep` said of its id. */
  readonly kept: boolean
}

export interface Sampler {
  /** Whether an id falls within the rate: the same answer for the same id in every service, process and version. */
  keep(id: string): boolean
  /** Whether a request that `keep` refused may yet be stored for its outcome, and so must be captured all the same. */
  readonly waits: boolean
  /**
   * A record's `sample_weight`: how many requests it stands for, 1 / the chance with which it was kept. 0: it is not to be stored.
   * Who is always kept has the chance 1, also when `keep` said yes, so that sums over the weights stay unbiased.
   */
  weight(outcome: RequestOutcome): number
}

/**
 * A sampler for the requests of one route.
 *
 * An id is kept where the first 52 bits of its SHA-256 (of its UTF-8 text), as a fraction from 0 to 1, are below the rate. So who
 * is kept at a rate is also kept at every higher one, and any other system can tell who was kept. It costs about a microsecond,
 * and nothing at the rates 0 and 1.
 */
export const createSampler = ({ rate, always }: { rate: number; always: Always }): Sampler => {
  const { errors, slowMs = Infinity } = always
  return {
    keep: rate >= 1 ? () => true : rate <= 0 ? () => false : (id) => fractionOf(id) < rate,
    waits: rate < 1 && (errors || slowMs < Infinity),
    weight({ status, durationMs, error, kept }) {
      if (errors && (status >= 400 || error != null)) return 1
      if (durationMs >= slowMs) return 1
      return kept ? 1 / rate : 0
    },
  }
}

/** Where an id stands between 0 and 1. 52 bits: thirteen hexadecimal digits, exact in a double. */
export const fractionOf = (id: string): number => Number.parseInt(hash('sha256', id, 'hex').slice(0, 13), 16) / 2 ** 52

/** The rate of a route. */
export const rateOf = ({ rate, byRoute }: SampleRates, route: string): number =>
  Object.hasOwn(byRoute, route) ? byRoute[route]! : rate

/** `0.1`, `POST /predict=0.1, POST /v2/*=1`, or both: `0.5, POST /predict=0.1`. Undefined where it is none of these. */
export const parseRates = (text: string): SampleRates | undefined => {
  let rate: number | undefined
  const byRoute: [string, number][] = []
  for (const item of text.split(',')) {
    const [, route, digits] = /^(?:(.+)=)?\s*(\d+\.?\d*|\.\d+)$/.exec(item.trim()) ?? []
    if (digits === undefined) return undefined
    if (route !== undefined) byRoute.push([route.trim(), Number(digits)])
    else if (rate === undefined) rate = Number(digits)
    else return undefined
  }
  return { rate: rate ?? 1, byRoute: Object.fromEntries(byRoute) }
}

/** `errors`, `slow:500ms`, `slow:2s`, or both, with a comma. Undefined where it is none of these. */
export const parseAlways = (text: string): Always | undefined => {
  let errors = false
  let slowMs: number | undefined
  for (const item of text.split(',')) {
    const word = item.trim()
    const [, digits, unit] = /^slow:\s*(\d+(?:\.\d+)?)\s*(ms|s)?$/.exec(word) ?? []
    if (digits !== undefined) slowMs = Number(digits) * (unit === 's' ? 1000 : 1)
    else if (word === 'errors') errors = true
    else if (word !== '') return undefined
  }
  return { errors, slowMs }
}

/** Samplers by route, made once for those that have a rate of their own; undefined for routes of which every request is kept. */
export const createSamplers = (rates: SampleRates, always: Always): ((route: string) => Sampler | undefined) => {
  const samplerOf = (rate: number): Sampler | undefined => (rate === 1 ? undefined : createSampler({ rate, always }))
  const ofAll = samplerOf(rates.rate)
  const routes = Object.keys(rates.byRoute)
  const ofRoute = new Map(routes.map((route) => [route, samplerOf(rateOf(rates, route))]))
  return (route) => (ofRoute.has(route) ? ofRoute.get(route) : ofAll)
}
