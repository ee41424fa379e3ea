import type { Report } from '../../result.ts'
import { columnsSection, newsSection, worstColumns } from './columns.ts'
import { groupsSection, qualitySection } from './groups.ts'
import { html, lean, toText, type Markup } from './markup.ts'
import { performanceSection } from './performance.ts'
import { STYLE } from './style.ts'
import { advice, anchorOf, figures, findings, header, verdict } from './summary.ts'
import { trafficSection } from './traffic.ts'
import { whenOf } from '../../when.ts'

const WORDS: readonly (readonly [string, string])[] = [
  [
    'Drift',
    'The values of a column are distributed otherwise than in the reference. It is no fault by itself: it says that the model sees a world it may not know.',
  ],
  [
    'Wasserstein distance',
    'How far values had to be moved, in the mean, to make one distribution into the other; in standard deviations of the reference.',
  ],
  ['Jensen-Shannon distance', '0 where shares are the same, 1 where nothing is shared.'],
  [
    'PSI',
    'Population stability index: 0.1 is a change worth a look, 0.25 a large one; beside it, how much chance alone makes.',
  ],
  [
    'p',
    'The chance of so large a difference without drift, adjusted for all columns. Up to 1,000 rows it decides; above, a change must be large as well.',
  ],
  ['Interval', 'Where the measure would lie 19 times of 20, were there more rows.'],
  ['Weights', 'Where only a share of the predictions is stored, each counts for those it stands for.'],
]

const glossary = (): Markup =>
  html`<footer>
    <h2 id="words">What the words mean</h2>
    <dl>
      ${WORDS.map(
        ([word, meaning]) =>
          html`<dt>${word}</dt>
            <dd>${meaning}</dd>`,
      )}
    </dl>
    <p>This page holds counts and shares, and the names of common values: no single prediction.</p>
  </footer>`

const TITLES: readonly (readonly [string, string])[] = [
  ['findings', 'Findings'],
  ['advice', 'What to do'],
  ['performance', 'Performance'],
  ['columns', 'Features and outputs'],
  ['news', 'New and out of range'],
  ['traffic', 'Traffic'],
  ['groups', 'Versions and slices'],
  ['extra', 'What did not fit'],
  ['words', 'What the words mean'],
]

const contents = (body: string): Markup =>
  html`<nav aria-label="Contents">
    <ul>
      ${TITLES.filter(([id]) => body.includes(`id="${id}"`)).map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}
    </ul>
  </nav>`

/** A page that stands by itself: no script, nothing from elsewhere. */
const CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

/** The report as one HTML file: no scripts, no outside resources, aggregates only. */
export const htmlView = (report: Report): string => {
  const when = whenOf(report)
  const columns = worstColumns(report.columns)
  const anchors = new Map(columns.map(([name], i) => [name, anchorOf(i)]))
  const sections = html`${findings(report, anchors)} ${advice(report)} ${performanceSection(report, when)}
  ${columnsSection(columns, when)} ${newsSection(columns)} ${trafficSection(report, when)} ${groupsSection(report)}
  ${qualitySection(report)}`
  const footer = glossary()
  const title = `${report.model ?? 'Model'}: ${report.verdict}, ${when.period(report.since, report.until)}`
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta http-equiv="Content-Security-Policy" content="${CSP}" />
      <meta name="referrer" content="no-referrer" />
      <title>${title}</title>
      <style>
        ${{ markup: STYLE }}
      </style>
    </head>
    <body>
      <div class="page">
        ${header(report, when)}
        <main>${verdict(report)} ${figures(report)} ${contents(toText(sections) + toText(footer))} ${sections}</main>
        ${footer}
      </div>
    </body>
  </html>`
  return `<!doctype html>\n${lean(toText(page))}\n`
}
