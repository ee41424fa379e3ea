import { isObject, type Row } from './rows.ts'

/**
 * What a classifier says of one instance, as the label that is most probable beside all that it said:
 *
 * | said | outputs |
 * |---|---|
 * | `[{"label": "POSITIVE", "score": 0.99}, …]` | `prediction`, `confidence`, `labels`: the list |
 * | `{"labels": ["refund", …], "scores": [0.9, …]}` (zero-shot) | its members, `prediction`, `confidence` |
 * | `{"cat": 0.9, "dog": 0.1}`, where the schema or an option says so | `prediction`, `confidence`, `labels`: the object |
 *
 * Scores may be texts. A schema that has `label` or `score` gets the best's under these names.
 * Source: https://huggingface.co/docs/inference-providers/tasks/text-classification and …/zero-shot-classification
 */
interface Best {
  readonly label: string
  readonly score: number
}

const NUMBER = /^-?\d{1,20}(\.\d{1,30})?(e[+-]?\d{1,3})?$/i

/** A score as a number; undefined where it is none. */
const scoreOf = (score: unknown): number | undefined =>
  typeof score === 'number' ? score : typeof score === 'string' && NUMBER.test(score) ? Number(score) : undefined

/** The best of labels with their scores; undefined where one has none. */
const best = (count: number, labelAt: (i: number) => unknown, scoreAt: (i: number) => unknown): Best | undefined => {
  let found: Best | undefined
  for (let i = 0; i < count; i++) {
    const label = labelAt(i)
    const score = scoreOf(scoreAt(i))
    if (typeof label !== 'string' || score === undefined) return undefined
    if (found === undefined || score > found.score) found = { label, score }
  }
  return found
}

const asOutputs = ({ label, score }: Best, names: readonly string[], all: Row): Row => ({
  [names.includes('label') ? 'label' : names.length === 1 ? names[0]! : 'prediction']: label,
  [names.includes('score') ? 'score' : 'confidence']: score,
  ...all,
})

/** A list of labels with their scores; undefined: it is something else. */
export const ofLabelList = (value: unknown, names: readonly string[]): Row | undefined => {
  if (!Array.isArray(value) || !isPair(value[0])) return undefined
  const pairs = value as Row[]
  const found = pairs.every(isPair)
    ? best(
        pairs.length,
        (i) => pairs[i]!['label'],
        (i) => pairs[i]!['score'],
      )
    : undefined
  return found && asOutputs(found, names, { labels: value })
}

/** Others that have a label and a score have a place as well: words of a text, boxes of a picture. */
const isPair = (value: unknown): boolean =>
  isObject(value) && 'label' in value && 'score' in value && Object.keys(value).length === 2

/** Labels and their scores, each a list. */
const ofLabelLists = (value: Row, names: readonly string[]): Row | undefined => {
  const { labels, scores } = value
  if (!Array.isArray(labels) || !Array.isArray(scores) || labels.length !== scores.length) return undefined
  const found = best(
    labels.length,
    (i) => labels[i],
    (i) => scores[i],
  )
  return found && asOutputs(found, names, value)
}

/** An object whose members are labels, each with its probability; undefined where a member is none. */
const ofProbabilities = (value: Row, names: readonly string[]): Row | undefined => {
  const labels = Object.keys(value)
  const found = best(
    labels.length,
    (i) => labels[i],
    (i) => value[labels[i]!],
  )
  return found && asOutputs(found, names, { labels: value })
}

/** All that a classifier may say, also probabilities by label. */
export const bestOf = (value: unknown, names: readonly string[]): Row | undefined => {
  if (!isObject(value)) return ofLabelList(value, names)
  return ofLabelLists(value, names) ?? ofProbabilities(value, names)
}

/** Two numbers as most probabilities are rounded. */
const TOLERANCE = 0.02

/**
 * The same where the value or the schema says so: the schema has a `prediction` and none of an object's members, which are
 * probabilities: at least two, from 0 to 1, and 1 together.
 */
export const ofLabels = (value: unknown, names: readonly string[]): Row | undefined => {
  if (Array.isArray(value)) return ofLabelList(value.length === 1 && Array.isArray(value[0]) ? value[0] : value, names)
  if (!isObject(value)) return undefined
  if (value['labels'] !== undefined) return ofLabelLists(value, names)
  if (!names.includes('prediction') || names.some((name) => name in value)) return ofLonePair(value, names)
  return areProbabilities(value) ? ofProbabilities(value, names) : ofLonePair(value, names)
}

/** One label alone has the names that its sender gave it, unless the schema wants others. */
const ofLonePair = (value: Row, names: readonly string[]): Row | undefined => {
  if (!names.includes('prediction') || names.includes('label') || !isPair(value)) return undefined
  const score = scoreOf(value['score'])
  if (typeof value['label'] !== 'string' || score === undefined) return undefined
  return asOutputs({ label: value['label'], score }, names, {})
}

const areProbabilities = (value: Row): boolean => {
  const scores = Object.values(value).map(scoreOf)
  if (scores.length < 2 || !scores.every((score) => score !== undefined && score >= 0 && score <= 1)) return false
  return Math.abs(scores.reduce<number>((sum, score) => sum + score!, 0) - 1) <= TOLERANCE
}
