import { LATENCY_EDGES, type ReportPlan, type Window } from '../../../../src/report/answers.ts'
import type { OpenGroup } from '../../../../src/report/tally/group.ts'
import { tallyWindow, type WindowTally } from '../../../../src/report/tally/window.ts'
import type { Known } from '../known.ts'
import { durationOf, failedOf, timestampOf, versionOf, weightOf } from '../own.ts'
import { fromOf, textOf, type From } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import { newBindings, type Bindings } from '../words.ts'

/** What all questions about a window have in common. */
export interface Asking {
  readonly source: ReportSource
  readonly plan: ReportPlan
  readonly known: Known
  readonly window: Window
  readonly isReference: boolean
  readonly tally: WindowTally
  readonly bindings: Bindings
  readonly from: From
  /**
   * Expressions that each question may name: `b` the bucket, `v` the version, `f` whether it failed, `w` the weight, `l` the latency's bin, `s0` the first
   * slice's value.
   */
  readonly names: Readonly<Record<string, string>>
  /** Those that have one value in all rows. */
  readonly fixed: Readonly<Record<string, unknown>>
  bucketOf(b: unknown): number
  /** A version by its `v`. */
  nameOf(v: unknown): string
}

/** Versions that are told by their place in a list; of more, the text itself is the key, which takes longer. */
const MAX_LISTED = 20

const versionKey = (source: ReportSource, versions: readonly string[], bindings: Bindings): string => {
  if (versions.length > MAX_LISTED) return versionOf(source)
  const cases = versions.map((name, index) => `when ${bindings.bind(name)} then ${index}`)
  return `case ${versionOf(source)} ${cases.join(' ')} end`
}

export const askingOf = (source: ReportSource, plan: ReportPlan, known: Known, window: Window): Asking => {
  const { words } = source
  const bindings = newBindings(words.placeholder)
  const isReference = window === plan.reference
  const tally = tallyWindow(plan, window)
  const { versions } = known
  const [, ...later] = tally.buckets.map(({ since }) => since)
  const ofWindow = isReference ? known.reference! : known.current
  const { byStatus, byError } = ofWindow.failures
  return {
    source,
    plan,
    known,
    window,
    isReference,
    tally,
    bindings,
    from: fromOf(source, plan, window, bindings, { ids: ofWindow.ids, isOneModel: known.isOneModel }),
    names: {
      b: later.length === 0 ? '0' : words.countBefore(timestampOf(source), later, bindings),
      v: versions.length <= 1 ? '0' : versionKey(source, versions, bindings),
      f: failedOf(source, ofWindow.failures),
      w: weightOf(source),
      l: words.countBelow(durationOf(source), LATENCY_EDGES, bindings),
      ...Object.fromEntries(plan.by.map(({ name }, index) => [`s${index}`, textOf(source, name, bindings)])),
    },
    fixed: {
      ...(later.length === 0 && { b: 0 }),
      ...(versions.length <= 1 && { v: 0 }),
      ...(!byStatus && !byError && { f: 0 }),
    },
    bucketOf: (b) => Math.min(Math.max(Number(b), 0), tally.buckets.length - 1),
    nameOf: (v) => (versions.length > MAX_LISTED ? String(v) : (versions[Number(v)] ?? '')),
  }
}

/** How many rows a group has; with weights also their sum, and that of their squares. */
export const rowSums = ({ known }: Asking): string[] =>
  known.isWeighted ? ['count(*)', 'sum(w)', 'sum(w * w)'] : ['count(*)']

/** A slice's keys, and the group that they name; undefined: it is none of the plan's. */
export interface Slice {
  readonly key: string
  groupOf(value: unknown): OpenGroup | undefined
}

/** Of the current window alone. */
export const slicesOf = ({ plan, tally, isReference }: Asking): Slice[] =>
  isReference
    ? []
    : plan.by.map(({ name, values }, index) => ({
        key: `s${index}`,
        groupOf(value) {
          const text = String(value ?? '')
          return values.includes(text) ? tally.slice(name, text) : undefined
        },
      }))
