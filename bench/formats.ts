/**
 * What capturing a batch costs beside the least that any JSON service does with it: CPU per instance from the bodies to the text of
 * each instance's record, against `JSON.parse` and `JSON.stringify` of the same bodies, in turns. Bytes are what a gateway captures;
 * parsed is what a body parser has left. Also how long the pieces take that the work on a body of nearly 1 MiB is done in.
 *
 *     node bench/formats.ts
 *
 * BENCH_ROUNDS (15): medians are given.
 */
import { encode } from '../src/records/json.ts'
import {
  arrays,
  binaryExchange,
  type LargeBody,
  largeBodies,
  objects,
  outputs,
  predictions,
  tensors,
  users,
} from './bodies.ts'
import { pieces } from './exchange-pieces.ts'
import { median } from './load.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)
const ROUND_MS = 100

const capture = (body: LargeBody): void => {
  const work = pieces(body)
  while (work.next().done !== true);
}

/** CPU in microseconds a call, all threads of the process. */
const cpuOf = (work: () => unknown): number => {
  const until = performance.now() + ROUND_MS
  const start = process.cpuUsage()
  let calls = 0
  for (; performance.now() < until; calls++) work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / calls
}

/** @param texts what the least that a service does is measured by: each is parsed, and written again */
const compare = (name: string, n: number, texts: readonly string[], body: LargeBody): void => {
  const baseline = () => texts.map((text) => JSON.stringify(JSON.parse(text)))
  const work = () => capture(body)
  cpuOf(baseline)
  cpuOf(work)
  const base: number[] = []
  const cost: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    base.push(cpuOf(baseline))
    cost.push(cpuOf(work))
  }
  const ratios = cost.map((each, i) => each / base[i]!)
  console.log(
    `${name.padEnd(44)} ${(median(cost) / n).toFixed(2).padStart(7)} ${(median(base) / n).toFixed(2).padStart(7)} ${median(ratios).toFixed(2).padStart(6)}`,
  )
}

const bytesOf = (value: unknown) => Buffer.from(encode(value))
const both = (name: string, n: number, request: unknown, reply: unknown): void => {
  const texts = [encode(request), encode(reply)]
  compare(`${name}, bytes`, n, texts, { request: bytesOf(request), reply: bytesOf(reply) })
  compare(`${name}, parsed`, n, texts, { request: JSON.parse(texts[0]!), reply: JSON.parse(texts[1]!) })
}
/** JSON Lines, of which a service parses and writes each by itself. */
const lines = (name: string, requests: readonly unknown[], replies: readonly unknown[]): void => {
  const texts = [requests.map(encode), replies.map(encode)] as const
  const [request, reply] = texts.map((some) => Buffer.from(some.join('\n')))
  const headers = { 'content-type': 'application/jsonlines' }
  compare(name, requests.length, texts.flat(), { request, reply, headers, replyHeaders: headers })
}

console.log(
  `${'microseconds of CPU an instance'.padEnd(44)} ${'capture'.padStart(7)} ${'JSON'.padStart(7)} ${'ratio'.padStart(6)}`,
)
both('V1, 1,000 x 4, objects', 1000, objects(1000), predictions(1000))
both('V1, 1,000 x 30, arrays', 1000, arrays(1000, 30), predictions(1000))
both('V1, 1,000 x 30, arrays of full precision', 1000, arrays(1000, 30, Math.sin), predictions(1000))
both('V1, 1,000 objects with 64-bit integers', 1000, users(1000), predictions(1000))
both('V2, 1,000 x 30 FP32, JSON', 1000, tensors(1000, 30), outputs(1000))
const request = tensors(1000, 30)
const reply = outputs(1000)
compare('V2, 1,000 x 30 FP32, binary', 1000, [encode(request), encode(reply)], binaryExchange(request, reply))
const scores = predictions(1000).predictions.map((score) => ({ score }))
lines('JSON Lines, 1,000 x 4, objects', objects(1000).instances, scores)
lines('JSON Lines, 1,000 x 30, arrays', arrays(1000, 30).instances, scores)
lines('JSON Lines, 200 x 4, objects', objects(200).instances, scores.slice(0, 200))

/** Milliseconds that each piece takes. */
const timesOf = (body: LargeBody): number[] => {
  const work = pieces(body)
  const times: number[] = []
  for (;;) {
    const start = performance.now()
    const { done } = work.next()
    times.push(performance.now() - start)
    if (done === true) return times
  }
}

const longest = (name: string, body: LargeBody): void => {
  const rounds = Array.from({ length: ROUNDS * 2 }, () => timesOf(body)).slice(ROUNDS)
  const most = median(rounds.map((times) => Math.max(...times)))
  const all = median(rounds.map((times) => times.reduce((sum, time) => sum + time, 0)))
  console.log(`${name.padEnd(52)} ${most.toFixed(1).padStart(6)} ms of ${all.toFixed(0).padStart(5)}`)
}

console.log('\nthe longest piece of work on a body of nearly 1 MiB, of all: between pieces the event loop is free')
for (const [name, body] of Object.entries(largeBodies)) {
  const asBytes = (value: unknown) => (Buffer.isBuffer(value) ? value : bytesOf(value))
  longest(`${name}, bytes`, { ...body, request: asBytes(body.request), reply: asBytes(body.reply) })
  if (!Buffer.isBuffer(body.request)) longest(`${name}, parsed`, body)
}
