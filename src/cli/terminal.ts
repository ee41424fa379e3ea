import type { Terminal } from './command.ts'

const CLEAR_LINE = '\r\u001b[K'

let progressing = false

const clearProgress = (): void => {
  if (progressing) process.stderr.write(CLEAR_LINE)
  progressing = false
}

/** Whoever reads may stop reading (`… | head`): then there is nobody left to tell. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

/** The process's own. Results go to stdout, all else to stderr. */
export const terminal: Terminal = {
  out(line) {
    clearProgress()
    process.stdout.write(`${line}\n`)
  },
  err(line) {
    clearProgress()
    process.stderr.write(`${line}\n`)
  },
  progress(line) {
    if (!process.stderr.isTTY) return
    process.stderr.write(`${CLEAR_LINE}${line}`)
    progressing = true
  },
  isTerminal: process.stderr.isTTY === true,
  onStop(stop) {
    process.once('SIGTERM', stop).once('SIGINT', stop)
  },
}
