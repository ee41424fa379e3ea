import type { Socket } from 'node:net'
import type { Delivery } from '../delivery/delivery.ts'
import { HeldReply } from '../http/held-reply.ts'
import { createTurn } from '../http/reply-groups.ts'
import { createStepRunner } from '../steps/time-slices.ts'
import type { EndedExchange, ExchangeContext } from './exchange-context.ts'

/** How a reply waits until its records are safe; undefined: it does not, as they are safe once they are appended. */
export type Hold = { readonly by: 'disk' | 'sink'; readonly timeoutMs: number } | undefined

interface Recorder {
  readonly record: ExchangeContext['record']
  /** Records what waits for the end of its turn now. */
  flush(): void
  /** Resolves when nothing is recorded in steps any more. */
  idle(): Promise<unknown>
}

/** Appends records to every sink's queue. A queue that is full drops and counts them. @returns a promise where the reply is to wait for them */
export const storeIn = (
  deliveries: readonly Delivery[],
  lines: readonly string[],
  hold: Hold,
): Promise<void> | undefined => {
  let waits: Promise<boolean>[] | undefined
  if (lines.length === 0) return undefined
  for (const delivery of deliveries) {
    if (delivery.append(lines) && hold !== undefined) (waits ??= []).push(delivery.confirm(lines, hold))
  }
  return waits === undefined ? undefined : Promise.all(waits).then(() => {})
}

/**
 * Makes records of exchanges that ended, and appends them to the sinks' queues before the last byte of the reply goes: at once, together
 * with others that ended in the same turn, or in steps where there are many.
 */
export const createRecorder = (
  deliveries: readonly Delivery[],
  hold: Hold,
  fault: (kind: string, error: unknown) => void,
): Recorder => {
  const steps = createStepRunner()

  /** A fault in one request's records keeps back no other records. */
  const linesOf = (exchange: EndedExchange): readonly string[] => {
    try {
      return exchange.lines()
    } catch (error) {
      fault('making records', error)
      return []
    }
  }

  const turn = createTurn<EndedExchange>(
    (exchanges) => {
      const requests = exchanges.map(linesOf).filter((lines) => lines.length > 0)
      for (const delivery of deliveries) delivery.appendAll(requests)
    },
    (error) => fault('recording requests', error),
  )

  const storeInSteps = function* (exchange: EndedExchange, waits: (Promise<void> | undefined)[]) {
    let bytes = 0
    try {
      for (const lines of exchange.steps()) {
        for (const line of lines ?? []) bytes += line.length
        if (lines !== undefined) waits.push(storeIn(deliveries, lines, hold))
        yield
      }
      for (const delivery of deliveries) delivery.expect(bytes)
    } catch (error) {
      fault('making records in steps', error)
    }
  }

  /**
   * Records a large exchange in steps. Where its reply can be kept back on its connection, it is; else the promise resolves when
   * its records are as safe as the reply is to wait for.
   */
  const recordInSteps = (exchange: EndedExchange, socket: Socket | undefined): Promise<void> | undefined => {
    const waits: (Promise<void> | undefined)[] = []
    const store = storeInSteps(exchange, waits)
    if (hold === undefined && socket !== undefined) {
      const reply = new HeldReply(socket)
      steps.run(store, () => reply.letGo())
      return undefined
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    steps.run(store, resolve)
    return promise.then(() => Promise.all(waits)).then(() => {})
  }

  return {
    record(exchange, socket) {
      if (exchange.isLarge) return recordInSteps(exchange, socket)
      if (hold === undefined && socket !== undefined && turn.add(exchange, socket)) return undefined
      const safe = storeIn(deliveries, exchange.lines(), hold)
      if (safe === undefined || socket === undefined) return safe
      // Held on its connection, so that nothing else that is written there can come before it.
      const reply = new HeldReply(socket)
      void safe.then(() => reply.letGo())
      return undefined
    },
    flush: turn.flush,
    idle: () => steps.idle(),
  }
}
