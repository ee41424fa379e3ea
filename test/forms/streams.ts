import { Readable } from 'node:stream'
import type { Form } from './form.ts'

const CHAT = 'https://platform.openai.com/docs/api-reference/chat-streaming'
const RESPONSES = 'https://platform.openai.com/docs/api-reference/responses-streaming'
const TGI = 'https://huggingface.co/docs/text-generation-inference/conceptual/streaming'
const HTML = 'https://html.spec.whatwg.org/multipage/server-sent-events.html'

const headers = { 'content-type': 'text/event-stream' }
const messages = [{ role: 'user', content: 'Hello!' }]

/** A reply of chunks, made anew for each request. */
const stream =
  (...chunks: (string | Buffer)[]) =>
  () =>
    Readable.from(chunks)
const event = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`

const chunk = (choices: unknown[], more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1694268190,
  model: 'gpt-4o-mini',
  choices,
  ...more,
})
const delta = (delta: object, finish_reason: string | null = null) => ({
  index: 0,
  delta,
  logprobs: null,
  finish_reason,
})
const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }
const tags = { object: 'chat.completion.chunk', created: 1694268190 }
const features = [{ messages, stream: true }]
/** Booleans are 0 and 1 in SQLite. */
const feature = { messages, stream: 1 }

const chat = [
  event(chunk([delta({ role: 'assistant', content: '' })])),
  event(chunk([delta({ content: 'Grüezi' })])),
  event(chunk([delta({ content: ' 😀' })])),
  event(chunk([delta({}, 'stop')])),
  event(chunk([], { usage })),
  event('[DONE]'),
].join('')
const inBytes = Buffer.from(chat)

const chatForm: Form = {
  name: 'a stream of a chat',
  source: CHAT,
  request: { model: 'gpt-4o-mini', messages, stream: true },
  reply: stream(chat),
  headers,
  format: 'openai',
  features,
  outputs: [{ prediction: 'Grüezi 😀', finish_reason: 'stop', prompt_tokens: 9, completion_tokens: 3 }],
  tags: { ...tags, 'usage.total_tokens': 12, events: 6 },
  requestId: 'chatcmpl-1',
  model: 'gpt-4o-mini',
  columns: [{ ...feature, prediction: 'Grüezi 😀', finish_reason: 'stop', prompt_tokens: 9, completion_tokens: 3 }],
}

const call = { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Bern"}' } }

export const streamForms: readonly Form[] = [
  chatForm,
  {
    ...chatForm,
    name: 'a stream of a chat, cut into single bytes',
    reply: stream(...Array.from(inBytes, (_, i) => inBytes.subarray(i, i + 1))),
  },
  { ...chatForm, name: 'a stream of a chat, with other line ends', reply: stream(`\ufeff: hi\r\n${chat.replaceAll('\n', '\r\n')}`) }, // prettier-ignore
  { ...chatForm, name: 'a stream of a chat, sent as one text', reply: chat },
  {
    ...chatForm,
    name: 'a stream that calls a tool',
    reply: stream(
      event(chunk([delta({ role: 'assistant', content: null, tool_calls: [{ index: 0, ...call, function: { name: 'get_weather', arguments: '' } }] })])), // prettier-ignore
      event(chunk([delta({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] })])),
      event(chunk([delta({ tool_calls: [{ index: 0, function: { arguments: '"Bern"}' } }] })])),
      event(chunk([delta({}, 'tool_calls')])),
    ),
    outputs: [{ prediction: null, finish_reason: 'tool_calls', tool_calls: [call] }],
    tags: { ...tags, events: 4 },
    columns: [{ ...feature, finish_reason: 'tool_calls', tool_calls: [call] }],
  },
  {
    name: 'a stream of a completion',
    source: 'https://platform.openai.com/docs/api-reference/completions/create',
    request: { model: 'm', prompt: 'Say this' },
    reply: stream(
      event({
        id: 'cmpl-1',
        object: 'text_completion',
        model: 'm',
        choices: [{ index: 0, text: 'This ', finish_reason: null }],
      }),
      event({
        id: 'cmpl-1',
        object: 'text_completion',
        model: 'm',
        choices: [{ index: 0, text: 'is', finish_reason: 'length' }],
      }),
      event('[DONE]'),
    ),
    headers,
    format: 'openai',
    features: [{ prompt: 'Say this' }],
    outputs: [{ prediction: 'This is', finish_reason: 'length' }],
    tags: { object: 'text_completion', events: 3 },
    requestId: 'cmpl-1',
    model: 'm',
  },
  {
    name: 'a stream of a response',
    source: RESPONSES,
    request: { model: 'gpt-4.1', input: 'Hi' },
    reply: stream(
      'event: response.created\n' + event({ type: 'response.created', response: { id: 'resp_1', object: 'response', status: 'in_progress', model: 'gpt-4.1', output: [] } }), // prettier-ignore
      'event: response.output_text.delta\n' + event({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'Hi' }), // prettier-ignore
      'event: response.completed\n' + event({ type: 'response.completed', response: { id: 'resp_1', object: 'response', status: 'completed', model: 'gpt-4.1', output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi there' }] }], usage: { input_tokens: 3, output_tokens: 2 } } }), // prettier-ignore
    ),
    headers,
    format: 'openai',
    features: [{ input: 'Hi' }],
    outputs: [{ prediction: 'Hi there', finish_reason: 'completed', prompt_tokens: 3, completion_tokens: 2 }],
    tags: { object: 'response', events: 3 },
    requestId: 'resp_1',
    model: 'gpt-4.1',
  },
  {
    name: 'a stream of TGI',
    source: TGI,
    request: { inputs: 'What is Deep Learning?', parameters: { max_new_tokens: 2 } },
    reply: stream(
      'data:' + JSON.stringify({ index: 1, token: { id: 1, text: 'Deep', logprob: -0.1, special: false }, generated_text: null, details: null }) + '\n\n', // prettier-ignore
      'data:' + JSON.stringify({ index: 2, token: { id: 2, text: ' nets', logprob: -0.1, special: false }, generated_text: null, details: null }) + '\n\n', // prettier-ignore
      'data:' + JSON.stringify({ index: 3, token: { id: 0, text: '</s>', logprob: -0.1, special: true }, generated_text: 'Deep nets', details: { finish_reason: 'eos_token', generated_tokens: 3, seed: null } }) + '\n\n', // prettier-ignore
    ),
    headers,
    format: 'instances',
    features: [{ text: 'What is Deep Learning?' }],
    outputs: [{ prediction: 'Deep nets', finish_reason: 'eos_token', completion_tokens: 3 }],
    tags: { max_new_tokens: 2, events: 3 },
  },
  {
    name: 'a stream of plain texts',
    source: HTML,
    request: { question: 'Why?' },
    reply: stream('data: Because\n\n', ': still here\n\ndata:  of\ndata: this\n\n', 'event: end\ndata: bye\n\n'),
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
    format: 'json',
    features: [{ question: 'Why?' }],
    outputs: [{ prediction: 'Because of\nthis' }],
    tags: { events: 3 },
  },
  {
    name: 'a stream of JSON strings (LangServe)',
    source: 'https://python.langchain.com/docs/langserve/',
    request: { question: 'Why?' },
    reply: stream('event: metadata\ndata: {"run_id": "r1"}\n\n', 'event: data\ndata: "Bec"\n\n', 'event: data\ndata: "ause\\n"\n\n', 'event: end\n\n'), // prettier-ignore
    headers,
    format: 'json',
    features: [{ question: 'Why?' }],
    outputs: [{ prediction: 'Because\n' }],
    tags: { events: 3 },
  },
  {
    name: 'a stream of no form that is known',
    source: HTML,
    request: { a: 1 },
    reply: stream(event({ step: 1 }), event({ step: 2 })),
    headers,
    format: 'json',
    features: [{ a: 1 }],
    outputs: [],
    tags: { events: 2 },
    extra: { reply: '.set() gives its outputs' },
  },
  {
    name: 'a stream of pictures',
    source: 'https://www.rfc-editor.org/rfc/rfc2046#section-5.1',
    request: { a: 1 },
    reply: stream('--x\r\n', '\r\n--x--'),
    headers: { 'content-type': 'multipart/x-mixed-replace; boundary=x' },
    format: 'json',
    features: [{ a: 1 }],
    outputs: [],
    extra: { reply: 'a stream of multipart/x-mixed-replace: .set() gives its outputs' },
  },
  {
    ...chatForm,
    name: 'a stream that ends in an error',
    source: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
    reply: stream(event(chunk([delta({ content: 'Gr' })])), event({ error: { message: 'out of memory', code: 500 } })),
    outputs: [{ prediction: 'Gr' }],
    tags: { ...tags, events: 2 },
    error: 'out of memory',
    columns: [{ ...feature, prediction: 'Gr' }],
  },
]
