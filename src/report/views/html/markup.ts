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

/** What HTML must not hold: control characters but for those of white space, and halves of surrogates. */
const NOT_IN_HTML = /(?![\t\n\r])[\p{Cc}\p{Cs}]/gu

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
  let known = collapsed.get(parts)
  if (!known) collapsed.set(parts, (known = parts.map((part) => part.replace(/\s*\n\s*/g, ' '))))
  return known
}

/** A tagged template: `html\`<p>${text}</p>\``. Attributes are to be in double quotes. */
export const html = (parts: TemplateStringsArray, ...values: readonly Content[]): Markup => ({
  markup: collapse(parts).reduce((text, part, i) => text + render(values[i - 1]) + part),
})

export const toText = (content: Content): string => render(content)

/** Without the closing tags that HTML lets out, and without space around the parts of tables and lists: a page is a fifth smaller. */
export const lean = (page: string): string =>
  page.replace(/\s*<\/(?:td|th|tr|thead|tbody|li|dt|dd)>\s*/g, '').replace(/\s+(?=<(?:td|th|tr|thead|tbody|li)\b)/g, '')

/** A coordinate: two digits are less than a pixel. */
export const round = (value: number): number => Math.round(value * 100) / 100
