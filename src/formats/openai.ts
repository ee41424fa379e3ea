import type { Format } from './format.ts'
import { contentOf, outlineOf } from './body.ts'
import { countOf } from './instance-parts.ts'
import { json } from './json.ts'
import { replyReading, requestReading } from './readings.ts'
import { outputNamesOf, readOutputs } from './replies.ts'
import { canRepeat, isObject, mapRows, type Row, type Rows, rowsOfItems } from './rows.ts'
import { encode } from '../records/json.ts'

/**
 * OpenAI's interface, as vLLM, TGI, Ollama and many gateways have it:
 *
 * | request | features |
 * |---|---|
 * | `messages`, each with a `role` (chat) | one instance: the body's members |
 * | `model` with `prompt` (completions) or `input` (embeddings, responses) | the body's members; a list of texts, or of lists of tokens, is a batch |
 *
 * `model` is the record's model, unless the schema has a feature of that name. The reply is read as at `answerOf`: its `model` wins, its `id` is
 * the request id where the caller gave none. A stream of it is assembled, see `EventStream`.
 *
 * Sources: https://platform.openai.com/docs/api-reference/chat/create, …/completions/create, …/embeddings/create, …/responses/create
 */
export const openai: Format = {
  name: 'openai',
  matches(request) {
    const value = outlineOf(contentOf(request))
    return isObject(value) && (isChat(value) || (typeof value['model'] === 'string' && listKeyOf(value) !== undefined))
  },
  readRequest(request) {
    const content = contentOf(request)
    const body = content.value
    if (!isObject(body)) return json.readRequest(request)
    const { model, ...others } = body
    const members = request.featureNames.includes('model') ? body : others
    const key = listKeyOf(members)
    const items = key === undefined ? undefined : members[key]
    if (key === undefined || !isList(items))
      return requestReading(request, content, { features: [members], isBatch: false, model })
    return requestReading(request, content, { ...shareOut(key, items, members), isBatch: true, model })
  },
  readReply(reply, request) {
    const { value } = contentOf(reply)
    // vLLM's own interface.
    if (isObject(value) && Array.isArray(value['text']) && value['text'].length === countOf(request)) {
      const { text, ...tags } = value
      const [name = 'prediction'] = outputNamesOf(request).length === 1 ? outputNamesOf(request) : []
      const outputs = rowsOfItems(text as unknown[], (item) => ({ [name]: item }))
      return replyReading(contentOf(reply), { outputs, tags })
    }
    return readOutputs(reply, request)
  },
}

const isChat = ({ messages }: Row): boolean =>
  Array.isArray(messages) &&
  messages.length > 0 &&
  messages.every((message) => isObject(message) && typeof message['role'] === 'string')

/** The member that may be a list of instances. */
const listKeyOf = (body: Row): string | undefined =>
  ['prompt', 'input'].find((name) => typeof body[name] === 'string' || Array.isArray(body[name]))

/** Texts, or lists of tokens; the tokens of one text are numbers, the items of one response's input are objects. */
const isList = (items: unknown): items is unknown[] =>
  Array.isArray(items) && items.length > 0 && items.every((item) => typeof item === 'string' || Array.isArray(item))

/** What stands beside the list belongs to each instance; where that would be too much, it becomes tags. */
const shareOut = (key: string, items: readonly unknown[], body: Row): { features: Rows; tags?: Row } => {
  const rows = rowsOfItems(items, (item) => ({ [key]: item }))
  const others = { ...body }
  delete others[key]
  if (!canRepeat(encode(others).length, items.length)) return { features: rows, tags: others }
  return { features: mapRows(rows, (row) => ({ ...row, ...others })) }
}
