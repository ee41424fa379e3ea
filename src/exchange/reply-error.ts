import { decode, encode } from '../records/json.ts'

/** Redacts a value that was read from a reply. */
type Clean = (value: unknown) => unknown

/** What an error reply says, by the members that error handlers commonly use; else its text. */
export const errorOfReply = (body: unknown, clean: Clean): string | undefined => {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return errorOfText(body.toString(), clean)
  if (typeof body !== 'object' || body === null) return undefined
  const cleaned = clean(body)
  const { message, errors, error, detail, title, status } = cleaned as Record<string, unknown>
  for (const member of [message, errors, error, detail, title, wordsOfStatus(status)]) {
    const words = replyWords(member)
    if (words !== undefined) return words
  }
  return encode(cleaned)
}

/** Seldon's error form: `{"status": {"info": "…", "reason": "MICROSERVICE_BAD_DATA"}}`. */
const wordsOfStatus = (status: unknown): string | undefined => {
  if (typeof status !== 'object' || status === null) return undefined
  const { reason, info } = status as Record<string, unknown>
  const words = [reason, info].filter((part) => typeof part === 'string' && part !== '')
  return words.length === 0 ? undefined : words.join(': ')
}

/** A text, an error's message, or those of a list: NestJS' validation and GraphQL reply with lists. */
const replyWords = (said: unknown): string | undefined => {
  if (typeof said === 'string') return said === '' ? undefined : said
  if (typeof said !== 'object' || said === null) return undefined
  if (!Array.isArray(said)) return replyWords((said as Record<string, unknown>)['message'])
  const all = said.map(replyWords).filter((words) => words !== undefined)
  return all.length === 0 ? undefined : all.join('; ')
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
