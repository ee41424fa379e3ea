import { TINY } from '../../../../src/report/usable.ts'
import type { ReportPlan } from '../../../../src/report/answers.ts'
import { addCell, addMoments } from '../../../../src/report/tally/cells.ts'
import { usableTestOf, valueOf } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import type { Bindings } from '../words.ts'
import { centerOf } from './center.ts'
import type { Compared } from './compared.ts'
import { cellOf } from './fill.ts'

/** Numbers against numbers: sums over e = prediction − actual, and z = actual. */
export const regression = (
  source: ReportSource,
  plan: ReportPlan,
  label: string,
  labelType: string,
  weighted: (expression: string) => string,
  isWeighted: boolean,
  cells: number,
  bindings: Bindings,
): Compared => {
  const comparison = plan.comparison!
  const prediction = plan.columns.find((column) => column.name === comparison.prediction)!
  const middle = centerOf(plan, comparison.prediction)
  const isUsable = (value: string, type: string) => usableTestOf(source, type, value) ?? `${value} is not null`
  const { double, factor } = source.words
  const predictionType = prediction.member ? 'json' : (source.table.types.get(prediction.name) ?? 'json')
  return {
    names: { x: valueOf(source, { ...prediction, unique: false }, bindings), y: label },
    layers: [
      {
        m: `case when f = 0 and has = 1 and ${isUsable('x', predictionType)} and ${isUsable('y', labelType)} then 1 else 0 end`,
      },
      {
        e: `case when m = 1 then ${factor('(x - y)')} end`,
        z: 'case when m = 1 then y end',
        dz: `case when m = 1 then ${factor(`(y - (${double(middle)}))`)} end`,
        nz: `case when m = 1 and abs(y) >= ${double(TINY)} then y end`,
      },
    ],
    sums: [
      ...['e', '(e * e)', '(e * e * e * e)', 'abs(e)', 'abs(e / nz)', '((e / nz) * (e / nz))'].map(weighted),
      weighted('dz'),
      weighted('(dz * dz)'),
      'min(z)',
      'max(z)',
      'count(nz)',
      ...(isWeighted
        ? ['sum(case when nz is not null then w end)', 'sum(case when nz is not null then w * w end)']
        : []),
    ],
    sets: (by, groupsOf) => [
      {
        keys: [...by, 'm'],
        take(keys, sums) {
          if (Number(keys.at(-1)) !== 1) return
          const { w } = cellOf(sums.slice(0, cells))
          const [e = 0, e2 = 0, e4 = 0, abs = 0, relative = 0, relative2 = 0, ...rest] = sums.slice(cells)
          const [first = 0, second = 0, min = 0, max = 0, ...nonZero] = rest
          const [mean, m2] = w > 0 ? [middle + first / w, Math.max(0, second - (first * first) / w)] : [0, 0]
          for (const { labelled } of groupsOf(keys)) {
            const residuals = labelled!.residuals!
            for (const [key, value] of Object.entries({ e, e2, e4, abs, relative, relative2 }))
              residuals[key as 'e'] += value
            addMoments(residuals.actual, { w, mean, m2, min, max })
            addCell(residuals.nonZero, cellOf(nonZero))
          }
        },
      },
    ],
  }
}
