import type { Form } from './form.ts'

const CHAT = 'https://platform.openai.com/docs/api-reference/chat/create'
const COMPLETIONS = 'https://platform.openai.com/docs/api-reference/completions/create'
const EMBEDDINGS = 'https://platform.openai.com/docs/api-reference/embeddings/create'
const RESPONSES = 'https://platform.openai.com/docs/api-reference/responses/create'
const VLLM = 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html'
const TGI = 'https://huggingface.co/docs/text-generation-inference/reference/api_reference'
const OLLAMA = 'https://docs.ollama.com/api'

const messages = [
  { role: 'system', content: 'You are a helpful assistant.' },
  { role: 'user', content: 'Hello!' },
]

export const openaiForms: readonly Form[] = [
  {
    name: 'OpenAI: chat',
    source: CHAT,
    request: { model: 'gpt-4o', messages, temperature: 0.2 },
    reply: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1741569952,
      model: 'gpt-4o-2024-08-06',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello! How can I assist you today?', refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 19,
        completion_tokens: 10,
        total_tokens: 29,
        prompt_tokens_details: { cached_tokens: 0 },
      },
      service_tier: 'default',
      system_fingerprint: null,
    },
    format: 'openai',
    features: [{ messages, temperature: 0.2 }],
    outputs: [
      {
        prediction: 'Hello! How can I assist you today?',
        finish_reason: 'stop',
        prompt_tokens: 19,
        completion_tokens: 10,
      },
    ],
    tags: {
      object: 'chat.completion',
      created: 1741569952,
      service_tier: 'default',
      'usage.total_tokens': 29,
      'usage.prompt_tokens_details.cached_tokens': 0,
    },
    requestId: 'chatcmpl-1',
    model: 'gpt-4o-2024-08-06',
  },
  {
    name: 'OpenAI: a chat that calls a tool, from vLLM',
    source: VLLM,
    options: { format: 'openai' },
    request: { model: 'Qwen/Qwen3-8B', messages, tools: [{ type: 'function', function: { name: 'get_weather' } }] },
    reply: {
      id: 'chatcmpl-2',
      object: 'chat.completion',
      model: 'Qwen/Qwen3-8B',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: null,
            reasoning_content: 'They ask for the weather.',
            tool_calls: [
              { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Bern"}' } },
            ],
          },
          finish_reason: 'tool_calls',
          stop_reason: null,
        },
      ],
      usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
    },
    format: 'openai',
    features: [{ messages, tools: [{ type: 'function', function: { name: 'get_weather' } }] }],
    outputs: [
      {
        prediction: null,
        finish_reason: 'tool_calls',
        reasoning_content: 'They ask for the weather.',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Bern"}' } }],
        prompt_tokens: 5,
        completion_tokens: 7,
      },
    ],
    tags: { object: 'chat.completion', 'usage.total_tokens': 12 },
    requestId: 'chatcmpl-2',
    model: 'Qwen/Qwen3-8B',
  },
  {
    name: 'OpenAI: a completion',
    source: COMPLETIONS,
    request: { model: 'VAR_model_id', prompt: 'Say this is a test', max_tokens: 7 },
    reply: {
      id: 'cmpl-1',
      object: 'text_completion',
      model: 'gpt-3.5-turbo-instruct',
      choices: [{ text: '\n\nThis is indeed a test', index: 0, logprobs: null, finish_reason: 'length' }],
      usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
    },
    format: 'openai',
    features: [{ prompt: 'Say this is a test', max_tokens: 7 }],
    outputs: [
      { prediction: '\n\nThis is indeed a test', finish_reason: 'length', prompt_tokens: 5, completion_tokens: 7 },
    ],
    tags: { object: 'text_completion', 'usage.total_tokens': 12 },
    requestId: 'cmpl-1',
    model: 'gpt-3.5-turbo-instruct',
  },
  {
    name: 'OpenAI: completions of several prompts, out of order',
    source: COMPLETIONS,
    request: { model: 'm', prompt: ['a', 'b'], max_tokens: 1 },
    reply: {
      id: 'cmpl-2',
      object: 'text_completion',
      model: 'm',
      choices: [
        { text: 'B', index: 1, finish_reason: 'stop' },
        { text: 'A', index: 0, finish_reason: 'length' },
      ],
      usage: { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 },
    },
    format: 'openai',
    features: [
      { prompt: 'a', max_tokens: 1 },
      { prompt: 'b', max_tokens: 1 },
    ],
    outputs: [
      { prediction: 'A', finish_reason: 'length' },
      { prediction: 'B', finish_reason: 'stop' },
    ],
    tags: {
      object: 'text_completion',
      'usage.prompt_tokens': 2,
      'usage.completion_tokens': 2,
      'usage.total_tokens': 4,
    },
    requestId: 'cmpl-2',
    model: 'm',
  },
  {
    name: 'OpenAI: embeddings',
    source: EMBEDDINGS,
    request: { model: 'text-embedding-3-small', input: ['one', 'two'], encoding_format: 'float' },
    reply: {
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [0.1, -0.2] },
        { object: 'embedding', index: 1, embedding: [0.3, 0.4] },
      ],
      model: 'text-embedding-3-small',
      usage: { prompt_tokens: 2, total_tokens: 2 },
    },
    format: 'openai',
    features: [
      { input: 'one', encoding_format: 'float' },
      { input: 'two', encoding_format: 'float' },
    ],
    outputs: [{ embedding: [0.1, -0.2] }, { embedding: [0.3, 0.4] }],
    tags: { object: 'list', 'usage.prompt_tokens': 2, 'usage.total_tokens': 2 },
    model: 'text-embedding-3-small',
  },
  {
    name: 'OpenAI: the embedding of one text',
    source: EMBEDDINGS,
    request: { model: 'm', input: 'The food was delicious' },
    reply: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1, -0.2] }],
      model: 'm',
      usage: { prompt_tokens: 8, total_tokens: 8 },
    },
    format: 'openai',
    features: [{ input: 'The food was delicious' }],
    outputs: [{ embedding: [0.1, -0.2], prompt_tokens: 8 }],
    tags: { object: 'list', 'usage.total_tokens': 8 },
    model: 'm',
  },
  {
    name: 'OpenAI: a response',
    source: RESPONSES,
    request: { model: 'gpt-4.1', input: 'Tell me a bedtime story about a unicorn.' },
    reply: {
      id: 'resp_1',
      object: 'response',
      created_at: 1741476542,
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: 'gpt-4.1-2025-04-14',
      output: [
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'In a peaceful grove', annotations: [] }],
        },
      ],
      tools: [],
      usage: { input_tokens: 36, output_tokens: 87, total_tokens: 123 },
    },
    format: 'openai',
    features: [{ input: 'Tell me a bedtime story about a unicorn.' }],
    outputs: [
      { prediction: 'In a peaceful grove', finish_reason: 'completed', prompt_tokens: 36, completion_tokens: 87 },
    ],
    tags: { object: 'response', created_at: 1741476542, 'usage.total_tokens': 123 },
    requestId: 'resp_1',
    model: 'gpt-4.1-2025-04-14',
  },
  {
    name: "vLLM's own interface",
    source: 'https://docs.vllm.ai/en/latest/examples/online_serving/api_client.html',
    options: { format: 'openai' },
    request: { prompt: 'San Francisco is a', n: 1 },
    reply: { text: ['San Francisco is a city'] },
    format: 'openai',
    features: [{ prompt: 'San Francisco is a', n: 1 }],
    outputs: [{ prediction: 'San Francisco is a city' }],
  },
  {
    name: 'TGI: generate',
    source: TGI,
    request: { inputs: 'My name is Olivier and I', parameters: { max_new_tokens: 20 } },
    reply: {
      generated_text: ' am a developer',
      details: { finish_reason: 'length', generated_tokens: 3, seed: null, prefill: [] },
    },
    format: 'instances',
    features: [{ text: 'My name is Olivier and I' }],
    outputs: [{ prediction: ' am a developer', finish_reason: 'length', completion_tokens: 3 }],
    tags: { max_new_tokens: 20 },
  },
  {
    name: 'Hugging Face: generated text in a list',
    source: 'https://huggingface.co/docs/inference-providers/tasks/text-generation',
    request: { inputs: 'My name is Olivier and I' },
    reply: [{ generated_text: ' am a developer' }],
    format: 'instances',
    features: [{ text: 'My name is Olivier and I' }],
    outputs: [{ prediction: ' am a developer' }],
  },
  {
    name: 'Ollama: chat',
    source: OLLAMA,
    request: { model: 'llama3.2', messages, stream: false },
    reply: {
      model: 'llama3.2',
      created_at: '2023-12-12T14:13:43.416799Z',
      message: { role: 'assistant', content: 'Hello! How are you today?' },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 26,
      eval_count: 298,
    },
    format: 'openai',
    features: [{ messages, stream: false }],
    outputs: [
      { prediction: 'Hello! How are you today?', finish_reason: 'stop', prompt_tokens: 26, completion_tokens: 298 },
    ],
    tags: { created_at: '2023-12-12T14:13:43.416799Z' },
    model: 'llama3.2',
    columns: [{ messages, stream: 0, prediction: 'Hello! How are you today?', prompt_tokens: 26 }],
  },
  {
    name: 'OpenAI: an error',
    source: 'https://platform.openai.com/docs/guides/error-codes',
    request: { model: 'm', messages },
    reply: {
      error: { message: 'The model `m` does not exist', type: 'invalid_request_error', code: 'model_not_found' },
    },
    status: 404,
    format: 'openai',
    features: [{ messages }],
    outputs: [],
    model: 'm',
    error: 'The model `m` does not exist',
  },
]
