import { isObject, type Row, type Rows } from './rows.ts'

/** What a reply with answers of a language model, or with embeddings, says. */
export interface Answer {
  readonly outputs: Rows
  readonly tags: Row
  readonly requestId: unknown
  readonly model: unknown
}

/** What is asked: how many instances, and whether as a batch. */
interface Question {
  readonly n: number
  readonly outputNames: readonly string[]
}

/**
 * The replies of language models, by their shape:
 *
 * | reply | outputs of each instance |
 * |---|---|
 * | `choices` (chat, completions) | `prediction`: the text; `finish_reason`; what else a message has (`tool_calls`); all `choices` where an instance has several |
 * | `data` of `embedding`s | `embedding`, in the order of `index` |
 * | `object: "response"`, `output` | `prediction`: the texts of its messages; `finish_reason`: why it is incomplete, or its status; `output` where there is more than messages |
 * | `generated_text` (TGI), in a list as well | `prediction`, and of `details` `finish_reason` and `completion_tokens` |
 * | `message` or `response` with `done` (Ollama) | `prediction`, `finish_reason` |
 *
 * Of one instance, `prompt_tokens` and `completion_tokens` of `usage` are outputs; of several, which share it, tags. All else is tags, but
 * for null and what is empty.
 *
 * Sources: https://platform.openai.com/docs/api-reference/chat/object, …/completions/object, …/embeddings/object, …/responses/object,
 * https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html,
 * https://huggingface.co/docs/text-generation-inference/reference/api_reference, https://docs.ollama.com/api
 */
export const answerOf = (value: unknown, n: number, outputNames: readonly string[]): Answer | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return value.length === 1 && n === 1 ? generatedOf(value[0], { n, outputNames }) : undefined
  const body = value as Row
  const { choices, data, output } = body
  if (Array.isArray(choices))
    return isChoice(choices[0]) ? ofChoices(body, choices as Row[], { n, outputNames }) : undefined
  if (Array.isArray(data) && isObject(data[0]) && 'embedding' in data[0])
    return ofEmbeddings(body, data, { n, outputNames })
  if (Array.isArray(output) && body['object'] === 'response') return ofResponse(body, output, { n, outputNames })
  if (body['generated_text'] !== undefined) return generatedOf(body, { n, outputNames })
  return typeof body['done'] === 'boolean' ? ofOllama(body, { n, outputNames }) : undefined
}

const isChoice = (choice: unknown): boolean =>
  isObject(choice) && (isObject(choice['message']) || isText(choice['text']))

/** A text, or what stands for one of a stream that was too long. */
const isText = (text: unknown): boolean =>
  typeof text === 'string' || (isObject(text) && text['type'] === 'string' && 'sha256' in text)

/** The answer's text has the name of the schema's only output, if there is but one. */
const predictionIn = ({ outputNames }: Question): string =>
  outputNames.length === 1 && !OWN_NAMES.has(outputNames[0]!) ? outputNames[0]! : 'prediction'

const OWN_NAMES = new Set(['finish_reason', 'prompt_tokens', 'completion_tokens', 'embedding', 'choices'])

/** Without null, undefined, and lists and objects that are empty. */
const said = (members: Row, ...without: readonly string[]): Row =>
  Object.fromEntries(
    Object.entries(members).filter(
      ([name, value]) =>
        !without.includes(name) && value != null && (typeof value !== 'object' || Object.keys(value).length > 0),
    ),
  )

const byIndex = (items: readonly Row[]): readonly Row[] =>
  items.some(({ index }) => typeof index !== 'number')
    ? items
    : [...items].sort((a, b) => (a['index'] as number) - (b['index'] as number))

const ofChoices = (body: Row, choices: readonly Row[], question: Question): Answer => {
  const ordered = byIndex(choices)
  // The choices of n prompts follow one another, equally many for each.
  const { n } = question
  const each = n > 1 && ordered.length % n === 0 ? ordered.length / n : ordered.length
  const rows: Row[] = []
  for (let i = 0; i < ordered.length; i += each) rows.push(ofChoice(ordered.slice(i, i + each), question))
  return withUsage(body, rows, 'choices')
}

const ofChoice = (choices: readonly Row[], question: Question): Row => {
  const [choice = {}] = choices
  const { message, text, finish_reason: reason, ...rest } = choice
  const { content, ...members } = isObject(message) ? message : { content: text }
  return {
    [predictionIn(question)]: textOf(content),
    ...(reason != null && { finish_reason: reason }),
    ...said(members, 'role'),
    ...said(rest, 'index'),
    ...(choices.length > 1 && { choices }),
  }
}

/** The text of a message, or of its parts that have one. */
const textOf = (content: unknown): unknown => {
  if (!Array.isArray(content)) return content ?? null
  const texts = content.flatMap((part) => (isObject(part) && typeof part['text'] === 'string' ? [part['text']] : []))
  return texts.length > 0 ? texts.join('') : content
}

const withUsage = (body: Row, rows: readonly Row[], ...without: readonly string[]): Answer => {
  const { usage, id, model, ...rest } = body
  const { prompt_tokens, completion_tokens, input_tokens, output_tokens, ...counts } = isObject(usage) ? usage : {}
  const tokens = said({
    prompt_tokens: prompt_tokens ?? input_tokens,
    completion_tokens: completion_tokens ?? output_tokens,
  })
  const isOne = rows.length === 1
  const left = said(isOne ? counts : { ...tokens, ...counts })
  return {
    outputs: isOne ? [{ ...rows[0], ...tokens }] : rows,
    tags: said({ ...rest, usage: left }, ...without),
    requestId: id,
    model,
  }
}

const ofEmbeddings = (body: Row, data: readonly unknown[], question: Question): Answer => {
  const rows = byIndex(data.map((item) => (isObject(item) ? item : { embedding: item })))
  const name = question.outputNames.length === 1 ? question.outputNames[0]! : 'embedding'
  return withUsage(
    body,
    rows.map(({ embedding, ...rest }) => ({ [name]: embedding, ...said(rest, 'object', 'index') })),
    'data',
  )
}

const ofResponse = (body: Row, output: readonly unknown[], question: Question): Answer => {
  const messages = output.filter((item) => isObject(item) && item['type'] === 'message') as Row[]
  const texts = messages.map(({ content }) => textOf(content)).filter((text) => typeof text === 'string')
  const { status, incomplete_details: why } = body
  const row = {
    [predictionIn(question)]: texts.length > 0 ? texts.join('') : null,
    ...said({ finish_reason: (isObject(why) ? why['reason'] : undefined) ?? status }),
    ...(messages.length < output.length && { output }),
  }
  return withUsage(body, [row], 'output', 'incomplete_details', 'status')
}

const generatedOf = (value: unknown, question: Question): Answer | undefined => {
  if (!isObject(value) || !isText(value['generated_text'])) return undefined
  if (question.n !== 1 || question.outputNames.includes('generated_text')) return undefined
  const { generated_text: text, details, ...rest } = value
  const { finish_reason, generated_tokens, prefill, ...more } = isObject(details) ? details : {}
  const row = {
    [predictionIn(question)]: text,
    ...said({
      finish_reason,
      prompt_tokens: Array.isArray(prefill) && prefill.length > 0 ? prefill.length : undefined,
      completion_tokens: generated_tokens,
    }),
  }
  return {
    outputs: [row],
    tags: said({ ...rest, details: said({ ...more, prefill }) }),
    requestId: undefined,
    model: undefined,
  }
}

const ofOllama = (body: Row, question: Question): Answer | undefined => {
  const { message, response, done_reason, prompt_eval_count, eval_count, model, ...rest } = body
  const text = isObject(message) ? message['content'] : response
  if (typeof text !== 'string') return undefined
  const row = {
    [predictionIn(question)]: text,
    ...said({ finish_reason: done_reason, prompt_tokens: prompt_eval_count, completion_tokens: eval_count }),
    ...(isObject(message) && said(message, 'role', 'content')),
  }
  return { outputs: [row], tags: said(rest, 'context', 'done'), requestId: undefined, model }
}
