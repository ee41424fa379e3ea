/** What capture logs to: pino, console and `fastify.log` all fit. */
export interface Logger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

const toStderr =
  (level: string) =>
  (message: string): void => {
    process.stderr.write(`capture-predictions ${level}: ${message}\n`)
  }

/** The default logger: one line each on stderr, so that a service's stdout stays its own. */
export const stderrLogger: Logger = { info: toStderr('info'), warn: toStderr('warn'), error: toStderr('error') }

/** Says nothing. */
export const silentLogger: Logger = { info() {}, warn() {}, error() {} }

/**
 * A function that lets one line a kind through each `intervalMs`, and says how many it held back since.
 * Kinds must be few and fixed: they are kept for ever. A logger that throws is ignored: capture must not fail for it.
 */
export const atMostOnceA = (intervalMs: number, log: (message: string) => void, now: () => number = Date.now) => {
  const kinds = new Map<string, { next: number; held: number }>()
  return (kind: string, message: string): void => {
    const state = kinds.get(kind) ?? { next: 0, held: 0 }
    kinds.set(kind, state)
    const time = now()
    if (time < state.next) {
      state.held++
      return
    }
    const more = state.held > 0 ? ` (and ${state.held} more of this kind since)` : ''
    state.held = 0
    state.next = time + intervalMs
    try {
      log(message + more)
    } catch {
      // Nowhere is left to say it.
    }
  }
}
