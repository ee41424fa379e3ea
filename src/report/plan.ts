import type {
  BucketSize,
  Comparison,
  Kind,
  ReportPlan,
  PlannedColumn,
  Survey,
  SurveyedColumn,
  SurveyQuestion,
} from './answers.ts'
import { bucketsOf, fittingBucket } from './time/windows.ts'

/** A column of a reference file, as far as a store has to know it. */
export interface ReferenceColumn {
  readonly name: string
  readonly kind: Kind
  readonly edges: readonly number[]
  readonly categories: readonly string[]
  /** The reference had no others. */
  readonly complete: boolean
}

export interface PlanOptions {
  readonly model: string | undefined
  readonly bucket: BucketSize | undefined
  readonly timeZone: string
  /** Those of a reference file; undefined: there is none. */
  readonly referenceColumns: readonly ReferenceColumn[] | undefined
}

export const plannedColumn = (
  { name, role, kind, member, unique, edges = [], categories = [], distinct }: SurveyedColumn,
  file: ReferenceColumn | undefined,
): PlannedColumn => {
  const column = { name, role, kind, ...(member && { member }), unique }
  // Of another type than in the file, the column has nothing in common with it but the name.
  if (file?.kind === kind)
    return { ...column, unique: false, edges: file.edges, categories: file.categories, complete: file.complete }
  return { ...column, edges, categories, complete: distinct <= categories.length }
}

/** What numbers may be classes: few, and whole. */
const MAX_CLASSES = 20
const MAX_NAMED_CLASSES = 50

const isNumber = ({ kind }: SurveyedColumn): boolean => kind === 'number'
const isClass = (column: SurveyedColumn): boolean =>
  column.kind === 'category' ||
  column.kind === 'boolean' ||
  (isNumber(column) && column.whole && column.distinct <= MAX_CLASSES)

const isChance = (column: SurveyedColumn | undefined): column is SurveyedColumn =>
  column !== undefined && isNumber(column) && (column.min ?? 0) >= 0 && (column.max ?? 1) <= 1

const TRUTH: Readonly<Record<string, string>> = {
  '1': 'true',
  t: 'true',
  true: 'true',
  '0': 'false',
  f: 'false',
  false: 'false',
}

/** A class as pairs name it. */
export const className = (text: string, isBoolean: boolean): string => (isBoolean ? (TRUTH[text] ?? text) : text)

const valuesOf = ({ categories, edges = [], kind, distinct }: SurveyedColumn): readonly string[] => {
  if (kind !== 'number') return categories ?? []
  return distinct <= 100 ? edges.map(String) : []
}

const inOrder = (classes: readonly string[]): string[] =>
  classes.every((name) => name !== '' && Number.isFinite(Number(name)))
    ? classes.toSorted((a, b) => Number(a) - Number(b))
    : classes.toSorted()

const POSITIVE = ['true', '1', 'yes', 'positive']

const positiveOf = (classes: readonly string[]): string | undefined =>
  classes.length === 2 ? (POSITIVE.find((name) => classes.includes(name)) ?? classes[1]) : undefined

/** What an output is called that says how sure a classifier is. */
export const CONFIDENCES = ['confidence', 'certainty']
const PROBABILITIES = ['probability', 'proba', 'prob', 'score']

const scoreOf = (outputs: readonly SurveyedColumn[], isBinary: boolean): Comparison['score'] => {
  const named = (names: readonly string[]) => outputs.find((output) => isNamed(output, names) && isChance(output))
  const confidence = named(CONFIDENCES)
  if (confidence) return { column: confidence.name, meaning: 'confidence' }
  const probability = named(PROBABILITIES)
  return probability && { column: probability.name, meaning: isBinary ? 'probability' : 'confidence' }
}

/** A member's own name: `prediction` of `outputs.prediction`. */
const lastName = ({ name, member }: Pick<PlannedColumn, 'name' | 'member'>): string => member?.at(-1) ?? name

/** In upper or lower case alike. */
export const isNamed = (column: Pick<PlannedColumn, 'name' | 'member'>, names: readonly string[]): boolean =>
  names.includes(lastName(column).toLowerCase())

/** The label and the output that are about the same: `actual` and `prediction`, two of one name, or the only ones. */
const pairOf = (outputs: readonly SurveyedColumn[], labels: readonly SurveyedColumn[]) => {
  const output = (...names: string[]) => outputs.find((column) => names.includes(lastName(column)))
  const prediction = output('prediction') ?? output('predicted', 'label', 'class')
  for (const label of labels) {
    const same = lastName(label) === 'actual' ? prediction : output(lastName(label))
    if (same) return { label, prediction: same }
  }
  const [label] = labels
  if (!label || labels.length > 1) return undefined
  const only = prediction ?? (outputs.length === 1 ? outputs[0] : undefined)
  return only && { label, prediction: only }
}

/** What can be compared; undefined: nothing. */
const comparisonOf = ({ columns, labels }: Pick<Survey, 'columns' | 'labels'>): Comparison | undefined => {
  const outputs = columns.filter(({ role }) => role === 'output')
  const pair = pairOf(outputs, labels)
  if (!pair) return undefined
  const { label, prediction } = pair
  const compared = {
    prediction: prediction.name,
    actual: label.name,
    actualKind: label.kind,
    isActualJson: label.member !== undefined,
  }
  const isBoolean = prediction.kind === 'boolean' || label.kind === 'boolean'
  const namesOf = (column: SurveyedColumn) => valuesOf(column).map((value) => className(value, isBoolean))
  const isProbability = isChance(prediction) && !prediction.whole && isClass(label) && label.distinct === 2
  if (isProbability) {
    const classes = inOrder([...new Set(namesOf(label))])
    const score = { column: prediction.name, meaning: 'probability' } as const
    return { task: 'classification', ...compared, classes, isBoolean, positive: positiveOf(classes)!, score }
  }
  if (isNumber(prediction) && isNumber(label) && !(isClass(prediction) && isClass(label)))
    return { task: 'regression', ...compared, classes: [], isBoolean: false }
  const classes = inOrder([...new Set([...namesOf(label), ...namesOf(prediction)])].slice(0, MAX_NAMED_CLASSES))
  const positive = positiveOf(classes)
  const score = scoreOf(outputs, positive !== undefined)
  return {
    task: 'classification',
    ...compared,
    classes,
    isBoolean,
    ...(positive !== undefined && { positive }),
    ...(score && { score }),
  }
}

/** What the second pass asks, by what the first one found. */
export const planOf = (
  { current, reference, where }: SurveyQuestion,
  survey: Survey,
  { model, bucket = fittingBucket(current), timeZone, referenceColumns }: PlanOptions,
): ReportPlan => {
  const files = new Map(referenceColumns?.map((column) => [column.name, column]))
  return {
    model,
    current,
    reference,
    columns: survey.columns.map((column) => plannedColumn(column, files.get(column.name))),
    comparison: survey.hasActuals ? comparisonOf(survey) : undefined,
    bucket,
    timeZone,
    buckets: bucketsOf(bucket, timeZone, reference ? [reference, current] : [current]),
    where,
    versions: survey.versions,
    by: survey.by,
  }
}
