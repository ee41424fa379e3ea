import type { SurveyedColumn } from '../../../../src/report/answers.ts'
import { edgesOfQuantiles, edgesOfValues, isUnique } from '../../../../src/report/tally/survey.ts'
import { isNumeric, type Valued } from '../rows.ts'
import type { Bounds } from './bounds.ts'
import { MAX_CATEGORIES, MAX_VALUES, type Sampled } from './sample.ts'

/** A column as the survey tells of it: what its sample says, and all rows. */
export const surveyed = (
  { name, role, kind, member }: Valued,
  { distinct, sampled, whole, values, quantiles, categories }: Sampled,
  { present, min, max }: Pick<Bounds, 'present' | 'min' | 'max'>,
): SurveyedColumn => {
  const known = { name, role, kind, ...(member && { member }), present, unique: false, whole: false }
  if (kind === 'json') return { ...known, distinct: 0 }
  const counted = { ...known, distinct: Math.min(distinct, MAX_VALUES) }
  if (!isNumeric(kind)) return { ...counted, unique: isUnique(distinct, sampled), categories }
  if (min === undefined || max === undefined) return counted
  const edges = distinct < MAX_VALUES - 1 ? edgesOfValues(values, min, max) : edgesOfQuantiles(quantiles, min, max)
  return { ...counted, whole, min, max, edges }
}

/** A label in two windows: its classes are those of both. */
export const both = (a: SurveyedColumn, b: SurveyedColumn): SurveyedColumn => {
  const categories = [...new Set([...(a.categories ?? []), ...(b.categories ?? [])])]
  const edges = [...new Set([...(a.edges ?? []), ...(b.edges ?? [])])].sort((x, y) => x - y)
  const areFew = a.distinct < MAX_VALUES && b.distinct < MAX_VALUES
  return {
    ...a,
    distinct: Math.min(MAX_VALUES, Math.max(a.distinct, b.distinct, categories.length, areFew ? edges.length : 0)),
    whole: a.whole && b.whole,
    present: a.present + b.present,
    ...(a.categories && { categories: categories.slice(0, MAX_CATEGORIES) }),
    ...(edges.length > 0 && { edges: [...edges, edges.at(-1)!], min: edges[0]!, max: edges.at(-1)! }),
  }
}
