import type { Severity, Verdict } from '../../result.ts'
import { html, type Content, type Markup } from './markup.ts'

/** What the page's sections are made of. */

const MARKS: Record<Severity | Verdict, [mark: string, word: string]> = {
  alert: ['✖', 'Alert'],
  warn: ['▲', 'Warning'],
  ok: ['✔', 'OK'],
  info: ['•', 'Note'],
  unknown: ['?', 'Unknown'],
}

export const markOf = (of: Severity | Verdict): string => MARKS[of][0]
export const wordOf = (of: Severity | Verdict): string => MARKS[of][1]

export const chip = (of: Severity | Verdict, text = wordOf(of)): Markup =>
  html`<span class="chip ${of}"><span aria-hidden="true">${markOf(of)} </span>${text}</span>`

export interface TableOf {
  caption: string
  head: readonly string[]
  rows: readonly (readonly Content[])[]
  /** Columns of words, which are broken and stand left. */
  text?: readonly number[]
  className?: string
}

/** A table whose first column names its rows; it scrolls by itself where it is too wide. */
export const table = ({ caption, head, rows, text = [], className = '' }: TableOf): Markup => {
  const at = (i: number): Content => text.includes(i) && html` class="text"`
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table class="${className}">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head.map((title, i) => html`<th scope="col" ${at(i)}>${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([first, ...cells]) =>
            html`<tr>
              <th scope="row">${first}</th>
              ${cells.map((cell, i) => html`<td${at(i + 1)}>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** The numbers behind a chart. */
export const behind = (of: TableOf): Markup =>
  html`<details>
    <summary>Numbers: ${of.caption}</summary>
    ${table(of)}
  </details>`

export const section = (id: string, title: string, lead: Content, ...content: Content[]): Markup =>
  html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${lead && html`<p class="lead">${lead}</p>`}${content}
  </section>`

const KEYS = {
  now: html`<path class="now-area" d="M0 12V2H24V12" />`,
  was: html`<path class="was-area" d="M0 6H24" />`,
  bar: html`<path class="bar" d="M0 2H24V10H0z" />`,
  wasBar: html`<path class="was-bar" d="M0 3H24V9H0z" />`,
  line: html`<path class="line" d="M1 6H23" />`,
  thin: html`<path class="line thin" d="M1 6H23" />`,
  band: html`<path class="band" d="M0 0H24V12H0z" /><path class="line" d="M1 6H23" />`,
  behind: html`<path class="behind" d="M0 0H24V12H0z" />`,
  expected: html`<path class="expected" d="M0 6H24" />`,
  past: html`<path class="past" d="M0 0H24V12H0z" />`,
  hollow: html`<path class="dots" d="M12 6h0" /><path class="hollow" d="M12 6h0" />`,
  diagonal: html`<path class="diagonal" d="M0 12L24 0" />`,
}

export const legend = (items: readonly (readonly [keyof typeof KEYS, string] | false)[]): Markup =>
  html`<div class="legend">
    ${items.map((item) => item && html`<span><svg viewBox="0 0 24 12" aria-hidden="true">${KEYS[item[0]]}</svg>${item[1]}</span>`)}
  </div>`
