import { decode, encode } from '../records/json.ts'

/** Changes what is taken out of a reply: redaction. */
type Clean = (value: unknown) => unknown

/** What an error reply says, by the members that error handlers commonly use; else its text. */
export const errorOfReply = (body: unknown, clean: Clean): string | undefined => {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return errorOfText(body.toString(), clean)
  if (typeof body !== 'object' || body === null) return undefined
  const cleaned = clean(body)
  const { message, error, detail, title } = cleaned as Record<string, unknown>
  for (const said of [message, error, detail, title]) {
    if (typeof said === 'string' && said !== '') return said
    if (typeof said === 'object' && said !== null && typeof (said as Record<string, unknown>)['message'] === 'string')
      return (said as Record<string, unknown>)['message'] as string
  }
  return encode(cleaned)
}

/** JSON is looked into; of an HTML page (Express' default error page) the text within `<pre>`, up to its stack, counts. */
const errorOfText = (text: string, clean: Clean): string | undefined => {
  if (/^[{[]/.test(text)) {
    try {
      return errorOfReply(decode(text), clean)
    } catch {
      // Not JSON after all: the text itself says it.
    }
  }
  if (!text.startsWith('<')) return text === '' ? undefined : text
  const said = /<pre>([^<]*)/.exec(text)?.[1]
  return said?.replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (entity) => ENTITIES[entity]!)
}

/** What finalhandler escapes. */
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  // The second of two blanks.
  '&nbsp;': ' ',
}
