import { Socket } from 'node:net'
import * as timers from 'node:timers'
import { MessageChannel } from 'node:worker_threads'

/**
 * Timers that an app's tests do not stop. Fakes of timers (sinon, node:test, vitest) take the place of the global ones and of those of
 * `node:timers`, where they are installed first also before this is loaded. Replies and records wait for none of them.
 */

/** Node.js' own as they were when this was loaded; undefined: they were fakes by then. */
const own = <Timer>(timer: Timer, made: RegExp): Timer | undefined =>
  made.test(Function.prototype.toString.call(timer)) ? timer : undefined

const ownImmediate = own(timers.setImmediate, /\bnew Immediate\(/)
const ownTimeout = own(timers.setTimeout, /\bnew Timeout\(/)
const { clearTimeout } = timers

/** The longest wait a timer of Node.js takes, in milliseconds. */
export const LONGEST_MS = 2 ** 31 - 1

/** A message comes in a turn of its own as well. */
const byMessage = (callback: () => void): void => {
  const { port1, port2 } = new MessageChannel()
  port1.once('message', () => {
    port1.close()
    callback()
  })
  port2.postMessage(undefined)
}

/** Calls back in the next turn of the event loop. */
export const inNextTurn: (callback: () => void) => void = ownImmediate ?? byMessage

/** Resolves in the next turn of the event loop. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => inNextTurn(resolve))

/** The timer of a socket is Node.js' own, whatever stands in the place of `setTimeout`. */
const bySocket = (ms: number, callback: () => void): (() => void) => {
  const socket = new Socket()
  const cancel = () => void socket.setTimeout(0).destroy()
  socket.setTimeout(Math.max(1, ms), () => {
    cancel()
    callback()
  })
  return cancel
}

const byTimeout = (ms: number, callback: () => void): (() => void) => {
  const timer = ownTimeout!(callback, ms).unref()
  return () => clearTimeout(timer)
}

/**
 * Calls back once. It never keeps the process alive.
 * @param ms in milliseconds, cut to what a timer takes
 * @returns a function that cancels it
 */
export const afterMs = (ms: number, callback: () => void): (() => void) =>
  (ownTimeout === undefined ? bySocket : byTimeout)(Math.min(ms, LONGEST_MS), callback)

/** Resolves after so many milliseconds. It never keeps the process alive. */
export const sleepMs = (ms: number): Promise<void> => new Promise((resolve) => void afterMs(ms, resolve))

/**
 * Calls back again and again, so many milliseconds after the last time. It never keeps the process alive.
 * @returns a function that ends it
 */
export const everyMs = (ms: number, callback: () => void): (() => void) => {
  let cancel: () => void
  const again = () => {
    cancel = afterMs(ms, again)
    callback()
  }
  cancel = afterMs(ms, again)
  return () => cancel()
}

/** Milliseconds since the process began, also where `performance` is a fake. */
export const monotonicMs = (): number => process.uptime() * 1000

/** Keeps the process alive until the returned function is called. */
export const holdProcess = (): (() => void) => {
  const { port1 } = new MessageChannel()
  port1.on('message', () => {})
  return () => port1.close()
}
