import type { Pieces } from './numbered.ts'

const DELIMITERS = [',', ';', '\t'] as const

/** A header may be so long, in characters. */
export const MAX_RECORD = 1024 * 1024

/** The delimiter of a header: the one that it has most of, outside quotes. */
const delimiterOf = (header: string): string => {
  const bare = header.replace(/"(?:[^"]|"")*"/g, '')
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length)
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!
}

/** The delimiter of a CSV text, which its first line tells, and the text's pieces with that line. */
export const delimited = async (pieces: Pieces): Promise<{ delimiter: string; all: AsyncIterable<string> }> => {
  const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()
  let start = ''
  let isDone = false
  while (!isDone && !/[\r\n]/.test(start.trimStart()) && start.length < MAX_RECORD) {
    const next = await iterator.next()
    if (next.done === true) isDone = true
    else start += next.value
  }
  const rest = async function* (): AsyncGenerator<string> {
    yield start
    for (;;) {
      const next = await iterator.next()
      if (next.done === true) return
      yield next.value
    }
  }
  return { delimiter: delimiterOf(start.trimStart().split(/[\r\n]/, 1)[0]!), all: rest() }
}
