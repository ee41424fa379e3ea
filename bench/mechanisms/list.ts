import type { Replacement } from './copies.ts'
import { largeBody, type Measure, requests, work } from './measures.ts'

/** Something that the sources have for speed or room, and what they would be without. */
export interface Mechanism {
  /** What it would be without it, each by what is replaced. */
  readonly without: Readonly<Record<string, readonly Replacement[]>>
  readonly measures: readonly Measure[]
}

const replace = (file: string, text: string, by: string): Replacement => ({ file, text, by })

const ordinary = work('an ordinary request')

/** The source of one that is measured by a single replacement. */
const one = (without: string, replacement: Replacement, ...measures: Measure[]): Mechanism => ({
  without: { [without]: [replacement] },
  measures,
})

const recorder = 'src/exchange/recorder.ts'
const snapshots = 'src/formats/snapshot.ts'
const snapshotBy = (copy: string): Replacement =>
  replace(
    snapshots,
    'return new Snapshot(body)',
    `return Object.assign(Object.create(Snapshot.prototype), { value: ${copy}, size: 1_000_000 })`,
  )

export const mechanisms: Readonly<Record<string, Mechanism>> = {
  'the straight way': one(
    'formats read all',
    replace('src/capture/create-capture.ts', 'ordinary: readsByLook(settings)', 'ordinary: false'),
    ordinary,
    work('an ordinary request, counted', {
      rounds: 1,
      warmUps: 0,
      processes: 1,
      flags: ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'],
    }),
  ),
  groups: {
    without: {
      'each reply alone': [
        replace(
          recorder,
          'if (hold === undefined && socket !== undefined && turn.add(exchange, socket)) return undefined',
          '',
        ),
      ],
      'their `end` held': [
        replace(
          recorder,
          'if (hold === undefined && socket !== undefined && turn.add(exchange, socket)) return undefined',
          'const recorded = hold === undefined && socket !== undefined && turn.add(exchange, socket); if (recorded) return recorded as never',
        ),
        replace(
          'src/http/reply-groups.ts',
          'replies.push(new HeldReply(socket))',
          'const { promise, resolve } = Promise.withResolvers(); replies.push({ letGo: resolve } as never)',
        ),
        replace('src/http/reply-groups.ts', 'return true\n', 'return promise as never\n'),
      ],
      'no async context': [
        replace('src/http/held-reply.ts', 'class HeldReply extends AsyncResource', 'class HeldReply'),
        replace('src/http/held-reply.ts', "super('PREDICTIONS_REPLY', { requireManualDestroy: true })", ''),
        replace(
          'src/http/held-reply.ts',
          'this.runInAsyncScope(uncorkSocket, undefined, this.#socket)\n    this.emitDestroy()',
          'uncorkSocket(this.#socket)',
        ),
      ],
    },
    measures: [requests('fastify'), requests('express')],
  },
  'functions with a name first': one(
    'assigned as they are written',
    replace(
      'src/http/watch-response.ts',
      'res.write = write as typeof res.write\n  res.end = end as unknown as typeof res.end\n  res.writeHead = writeHead as unknown as typeof res.writeHead',
      `res.write = ((chunk, encoding, callback) => watch.write(chunk, encoding, callback)) as WriteChunk as never
  res.end = ((chunk, encoding, callback) => watch.end(chunk, encoding, callback)) as EndResponse as never
  res.writeHead = ((...args) => watch.writeHead(args)) as WriteHead as never`,
    ),
    requests('fastify'),
  ),
  'wake-ups of delivery': one(
    'at each append',
    replace(
      'src/delivery/loop.ts',
      'if (isWaiting && (isFirst || room.records <= 0 || room.bytes <= 0)) wake()',
      'if (isWaiting) wake()',
    ),
    work('records one a turn'),
  ),
  'the outbox in memory': one(
    'read back from the disk',
    replace('src/outbox/log.ts', 'if (windowBytes + total > memoryBytes) intake = undefined', 'intake = undefined'),
    work('records through the outbox'),
  ),
  'records parsed when looked at': one(
    'parsed at once',
    replace(
      'src/records/record.ts',
      'this.json = json\n',
      'this.json = json\n    this.#members = decode(json) as RecordMembers\n',
    ),
    work('records through the outbox'),
  ),
  'the buffer of lines': one(
    'one for each append',
    replace(
      'src/outbox/line.ts',
      'most <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(most)',
      'Buffer.allocUnsafe(most)',
    ),
    ordinary,
    work('records fifty at once'),
  ),
  'the time of a millisecond': one(
    'made for each request',
    replace('src/records/timestamps.ts', 'if (time !== millisecond) {', 'if (time > 0) {'),
    ordinary,
  ),
  'random bytes for many ids': one(
    'drawn for each id',
    replace('src/records/id.ts', 'const POOL_BYTES = 6 * 1024', 'const POOL_BYTES = 6'),
    ordinary,
  ),
  'the model as text': one(
    'made for each request',
    replace('src/exchange/exchange.ts', 'return ours\n', 'return modelMembers(model, modelVersion)\n'),
    ordinary,
  ),
  steps: one(
    'all in one turn',
    replace('src/steps/time-slices.ts', 'const BUDGET_MS = 2\n', 'const BUDGET_MS = Infinity\n'),
    largeBody('V1, 5,000 arrays of 30', '/bytes'),
    largeBody('V2, 1,700 x 30 FP32', '/parsed'),
    largeBody('V1, an image of numbers', '/parsed'),
  ),
  snapshots: one(
    'read when it comes by',
    replace('src/capture/create-capture.ts', 'readsLater: isLarge', 'readsLater: () => false'),
    largeBody('V1, 5,000 arrays of 30', '/parsed'),
  ),
  'the copier of snapshots': {
    without: {
      structuredClone: [snapshotBy('structuredClone(body)')],
      JSON: [snapshotBy('JSON.parse(JSON.stringify(body))')],
    },
    measures: [work('a snapshot of 5,000 arrays of 30'), work('a snapshot of 10,000 objects')],
  },
  'held replies': one(
    'it goes at once',
    replace(
      recorder,
      'const reply = new HeldReply(socket)\n      steps.run(store, () => reply.letGo())',
      'steps.run(store, () => {})',
    ),
    largeBody('V1, 5,000 arrays of 30', '/parsed'),
  ),
  'many texts in few strings': one(
    'each in its own',
    replace('src/exchange/joined-texts.ts', 'const MANY = 8192', 'const MANY = Infinity'),
    largeBody('the most instances: [1,1,…]', '/bytes'),
  ),
  'instances cut out of bytes': {
    without: {
      'parsed and written again': [
        replace('src/formats/body.ts', 'bytes && (yield* batchOf(bytes))', 'undefined'),
        replace('src/formats/body.ts', 'bytes && (yield* linesOf(bytes))', 'undefined'),
      ],
    },
    measures: [work('V1, 1,000 arrays of 30, bytes'), work('JSON Lines, 1,000 arrays of 30')],
  },
  'bodies read once': one(
    'at each look',
    replace(
      'src/formats/body.ts',
      'return (message[kContent] ??= message[kInParts] ? forParts(read(message)) : read(message))',
      'return message[kContent] ?? (message[kInParts] ? forParts(read(message)) : read(message))',
    ),
    work('V1, 100 arrays of 4, bytes'),
  ),
  'rows made of a template': one(
    'member by member',
    replace('src/formats/rows.ts', '({ ...templateOf(names) })', '({})'),
    work('V1, 1,000 arrays of 30, parsed'),
    work('V2, 1,000 x 30 FP32, parsed'),
  ),
  'names kept for a batch': {
    without: {
      'made for each row': [
        replace(
          'src/formats/rows.ts',
          'return (numbered[length] ??= numberedNames(0, length))',
          'return numberedNames(0, length)',
        ),
        replace('src/formats/rows.ts', '  fits.set(names, fit)\n', ''),
      ],
    },
    measures: [work('V1, 1,000 arrays of 30, parsed')],
  },
  '64-bit integers by marks': one(
    "by JSON.parse's reviver",
    replace(
      'src/records/json.ts',
      'const marked = hasLongDigits(text) ? markIntegers(text) : text\n',
      `if (text !== '') return (JSON.parse as Function)(text, (_: string, value: unknown, { source }: { source: string }) =>
    typeof value === 'number' && /^-?\\d{16,}$/.test(source) && !Number.isSafeInteger(value) ? BigInt(source) : value)
  const marked = text\n`,
    ),
    work('JSON of 1,000 objects with 64-bit integers'),
  ),
  'long values by their digest': one(
    'whole',
    replace('src/formats/shorten.ts', 'isOrdinaryRow(Array.isArray(item) ? item : row, isParsed)', 'true'),
    work('a text of 10 million characters', { rounds: 5, warmUps: 1, processes: 1 }),
  ),
  'texts cut in large batches': one(
    'whole in each record',
    replace(
      'src/records/cut.ts',
      'Math.max(MIN_TEXT, Math.min(MAX_TEXT, Math.floor(MAX_IN_ALL / n)))',
      'MAX_TEXT + 0 * n',
    ),
    work('an error of 60,000 characters in a batch of 5,000', { rounds: 3, warmUps: 1, processes: 1 }),
  ),
}
