import { html, round, type Markup } from './markup.ts'
import { SIZE, type Label } from './charts.ts'

interface Bucket {
  since: string
  until: string
  reference: boolean
}

/** Where the moments of both windows lie: one after the other, a gap between them where they are apart, each as long as it lasts. */
export interface TimeAxis {
  /** Places of a bucket's start and end. */
  span(bucket: Bucket): readonly [number, number]
  middle(bucket: Bucket): number
  labels: readonly Label[]
  /** The reference's ground. */
  ground: Markup
}

const GAP = 0.03
/** Labels are at least so far from one another, as a share of the width: a chart may be as narrow as a phone. */
const APART = 0.17

const range = (buckets: readonly Bucket[]): [number, number] => [
  Math.min(...buckets.map(({ since }) => Date.parse(since))),
  Math.max(...buckets.map(({ until }) => Date.parse(until))),
]

export const timeAxis = (buckets: readonly Bucket[], say: (iso: string) => string): TimeAxis => {
  const past = buckets.filter(({ reference }) => reference)
  const now = buckets.filter(({ reference }) => !reference)
  const pieces = [past, now].filter((piece) => piece.length > 0).map((piece) => range(piece))
  const isAlone = pieces.length < 2
  const apart = !isAlone && pieces[1]![0] - pieces[0]![1] > 1 ? GAP : 0
  const total = pieces.reduce((sum, [from, to]) => sum + to - from, 0) || 1
  const first = isAlone ? 0 : ((pieces[0]![1] - pieces[0]![0]) / total) * (1 - apart)
  const place = (time: number, reference: boolean): number => {
    const [from, to] = isAlone || reference ? pieces[0]! : pieces[1]!
    const [start, width] = isAlone ? [0, 1] : reference ? [0, first] : [first + apart, 1 - first - apart]
    return (start + ((time - from) / (to - from || 1)) * width) * SIZE.width
  }
  const span = ({ since, until, reference }: Bucket) =>
    [place(Date.parse(since), reference), place(Date.parse(until), reference)] as const
  const labels: Label[] = []
  for (const bucket of buckets) {
    const at = (span(bucket)[0] + span(bucket)[1]) / 2 / SIZE.width
    if (labels.length === 0 || at - labels.at(-1)!.at >= APART) labels.push({ at, text: say(bucket.since) })
  }
  return {
    span,
    middle: (bucket) => (span(bucket)[0] + span(bucket)[1]) / 2,
    labels,
    ground: isAlone ? html`` : html`<path class="past" d="M0 0H${round(first * SIZE.width)}V${SIZE.height}H0z" />`,
  }
}
