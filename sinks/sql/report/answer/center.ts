import type { ReportPlan } from '../../../../src/report/answers.ts'

/** A number near a column's values, so that sums of squares do not cancel. */
export const centerOf = ({ columns }: ReportPlan, name: string): number => {
  const edges = columns.find((column) => column.name === name)?.edges ?? []
  return edges[edges.length >> 1] ?? 0
}
