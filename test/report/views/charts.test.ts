import { expect, it } from 'vitest'
import { lineOf } from '../../../src/report/views/html/charts.ts'
import { html, lean, toText } from '../../../src/report/views/html/markup.ts'

it('a line is drawn by steps, with a gap where a value is missing, and a dot where it has no neighbour', () => {
  const points = [[0, 10], [5, 7.52], [9, 7.5], undefined, [20, 3], undefined, [30, 4], [31, 6]] as const
  expect(toText(lineOf(points, 'line', 1))).toContain('d="M0 10h0l5-2.5l4 0M20 3h0M30 4h0l1 2"')
})

it('a page does without the closing tags that HTML lets out, and keeps what a value says', () => {
  const value = '</td> <td>'
  const table = html`<table>
    <tr>
      <th>a</th>
      <td>${value}</td>
    </tr>
  </table>`
  expect(lean(toText(table))).toBe('<table><tr><th>a<td>&lt;/td&gt; &lt;td&gt;</table>')
})
