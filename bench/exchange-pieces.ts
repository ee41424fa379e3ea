import { createTimestamps } from '../src/records/timestamps.ts'
import { Exchange } from '../src/exchange/exchange.ts'
import type { ExchangeContext } from '../src/exchange/exchange-context.ts'
import { chooseFormat, isUnread } from '../src/formats/index.ts'
import { isLarge } from '../src/formats/shorten.ts'
import { createIds } from '../src/records/id.ts'
import type { LargeBody } from './bodies.ts'

const context: ExchangeContext = {
  nextId: createIds(),
  timestamp: createTimestamps(),
  chooseFormat: (request) => chooseFormat('auto', request),
  readsLater: isLarge,
  isUnread,
  asUnread: (format, request) => ({ format, request }),
  ordinary: undefined,
  featureNames: [],
  outputNames: [],
  listNames: new Set(),
  model: 'm',
  modelVersion: '',
  modelMembers: '"model":"m","model_version":""',
  maxBodyBytes: 1024 * 1024,
  tagHeaders: [],
  startRedaction: () => undefined,
  samplerOf: () => undefined,
  record: () => undefined,
  count: () => {},
  madeBatch: () => {},
  abandon() {},
  fault: (kind, error) => {
    throw new Error(kind, { cause: error })
  },
}

/** What a capture does with an exchange, up to the text of its records. Each piece keeps the event loop: between them it is free. */
export const pieces = function* ({ request, headers, reply, replyHeaders }: LargeBody): Generator<undefined, number> {
  const type = { 'content-type': 'application/json' }
  const exchange = new Exchange(context, { route: 'POST /predict', headers: { ...type, ...headers } })
  exchange.request(request)
  yield
  exchange.reply(reply, 200, (name) => ({ ...type, ...replyHeaders })[name])
  exchange.end(200)
  yield
  if (!exchange.isLarge) return exchange.lines().length
  let count = 0
  for (const lines of exchange.steps()) {
    count += lines?.length ?? 0
    yield
  }
  return count
}
