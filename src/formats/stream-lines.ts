import { isObject, put, type Row } from './rows.ts'

/** What the lines of a stream are together: the outputs of one instance. */
export interface StreamOutputs {
  readonly outputs: Row
  readonly model: unknown
}

/** Members of Ollama's lines that are parts of the text, or say when they were sent. */
const PARTS = new Set(['response', 'message', 'thinking', 'model', 'created_at', 'context'])

/**
 * The stream of one answer in JSON Lines, as Ollama replies to `/api/generate` (`response`) and `/api/chat` (`message.content`) unless it
 * is told `"stream": false`: the text is `prediction`, what it thought `thinking`, the members of the last line (`done_reason`,
 * `total_duration`, `eval_count`, …) are outputs, the number of lines is `chunks`.
 *
 * Source: https://github.com/ollama/ollama/blob/main/docs/api.md
 *
 * @returns undefined: another stream
 */
export const outputsOfStream = (lines: readonly unknown[]): StreamOutputs | undefined => {
  const last = lines.at(-1)
  if (!isObject(last) || last['done'] !== true || !lines.every(isPart)) return undefined
  const others: Row = {}
  for (const name of Object.keys(last)) if (!PARTS.has(name)) put(others, name, last[name])
  const thinking = lines.map((line) => partOf(line as Row, 'thinking')).join('')
  const prediction = lines.map((line) => partOf(line as Row, 'content') || partOf(line as Row, 'response')).join('')
  return {
    outputs: { prediction, ...(thinking !== '' && { thinking }), ...others, chunks: lines.length },
    model: last['model'],
  }
}

const isPart = (line: unknown): boolean =>
  isObject(line) && typeof line['done'] === 'boolean' && ('response' in line || isObject(line['message']))

/** A line's part of the text: its own, or its message's. */
const partOf = (line: Row, name: string): string => {
  const part = line[name] ?? (isObject(line['message']) ? line['message'][name] : undefined)
  return typeof part === 'string' ? part : ''
}
