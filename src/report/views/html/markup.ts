/** HTML as text in which every value is escaped, unless it is HTML already. */

export interface Markup {
  readonly markup: string
}

export type Content = Markup | string | number | undefined | null | false | readonly Content[]

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

// eslint-disable-next-line no-control-regex -- what HTML must not hold
const NOT_IN_HTML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff]/gu

export const escaped = (text: string): string =>
  text.replace(NOT_IN_HTML, '\ufffd').replace(/[&<>"']/g, (letter) => ESCAPES[letter]!)

const render = (content: Content): string => {
  if (content === undefined || content === null || content === false) return ''
  if (typeof content === 'string') return escaped(content)
  if (typeof content === 'number') return String(content)
  if ('markup' in content) return content.markup
  return content.map(render).join('')
}

const collapsed = new WeakMap<TemplateStringsArray, readonly string[]>()

/** The source's own line breaks and indents are not the page's. */
const collapse = (parts: TemplateStringsArray): readonly string[] => {
  const known = collapsed.get(parts) ?? parts.map((part) => part.replace(/\s*\n\s*/g, ' '))
  collapsed.set(parts, known)
  return known
}

/** A tagged template: `html\`<p>${text}</p>\``. Attributes are to be in double quotes. */
export const html = (parts: TemplateStringsArray, ...values: readonly Content[]): Markup => ({
  markup: collapse(parts).reduce((text, part, i) => text + render(values[i - 1]) + part),
})

export const toText = (content: Content): string => render(content)

/** A coordinate: two digits are less than a pixel. */
export const round = (value: number): number => Math.round(value * 100) / 100
