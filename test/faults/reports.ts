/** A body of reports, and what becomes of it. */
export interface Reported {
  readonly body: string
  /** It was answered with 202. */
  given(answer: string): void
  /** No answer came: it is reported again. */
  lost(): void
}

/** What clients know of how predictions turned out, and have been told that it is safe. */
export interface Reports {
  /** The number that each report carried as its actual, by what it is stored as (`storedAs`): of those whose 202 was read. */
  readonly given: ReadonlyMap<string, number>
  /** A prediction was answered: what it really was will be reported. */
  predicted(id: string): void
  /** What is reported next; undefined: nothing as yet. */
  next(): Reported | undefined
}

interface Report {
  readonly id: string
  readonly actual: number
  readonly timestamp?: string
}

/** An actual's row by what tells it from all others: its prediction and its number. */
export const storedAs = (predictionId: string, number: number): string => `${predictionId} ${number}`

/** Reports in one body, at most. */
const MOST = 20
/** The share of reports that are corrected later, and of those that come again as they were. */
const CORRECTED = 0.1
const REPEATED = 0.1

const below = (count: number): number => Math.floor(Math.random() * count)

/**
 * Clients that report each prediction that was answered, soon or rounds later, several in a body, and correct some of them. Some
 * come again in the same words, and so does what no answer came to, as of a client that was told nothing.
 */
export const createReports = (): Reports => {
  const given = new Map<string, number>()
  const waiting: Report[] = []
  let lastNumber = 0

  const predicted = (id: string): void => {
    const actual = ++lastNumber
    // One that names no time gets another one whenever it is reported, and is the same actual all the same.
    waiting.push(actual % 2 === 0 ? { id, actual } : { id, actual, timestamp: new Date().toISOString() })
  }

  return {
    given,
    predicted,
    next() {
      const count = 1 + below(MOST)
      if (waiting.length < count) return undefined
      const reports = Array.from({ length: count }, () => waiting.splice(below(waiting.length), 1)[0]!)
      return {
        body: JSON.stringify(reports),
        given(answer) {
          const { accepted } = JSON.parse(answer) as { accepted: number }
          if (accepted !== count) throw new Error(`${count} reports were answered with ${answer}`)
          for (const report of reports) {
            given.set(storedAs(report.id, report.actual), report.actual)
            if (Math.random() < CORRECTED) predicted(report.id)
            if (Math.random() < REPEATED) waiting.push(report)
          }
        },
        lost: () => void waiting.push(...reports),
      }
    },
  }
}
