import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { comparable } from '../http/raw.ts'
import { temporaryFolder } from '../setup/captures.ts'

const program = fileURLToPath(new URL('./children/traced.cjs', import.meta.url))

interface Outcome {
  readonly replies: readonly { path: string; bare: string; captured: string }[]
  readonly seen: readonly { features: unknown; outputs: unknown }[]
  readonly said: readonly string[]
}

const run = async (tracer: string, framework: string): Promise<Outcome> => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    program,
    tracer,
    framework,
    join(temporaryFolder(), 'o'),
  ])
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Outcome
}

describe.each(['none', 'opentelemetry', 'datadog'])('a route whose layers are wrapped: %s', (tracer) => {
  it.each(['express', 'express4', 'koa'])('is captured in %s, and no other', async (framework) => {
    const { replies, seen, said } = await run(tracer, framework)
    const isOnApp = framework !== 'koa'
    for (const { bare, captured } of replies) expect(comparable(captured)).toBe(bare)
    const told = replies.map(({ path, captured }) => [
      path,
      /x-prediction-id/i.test(captured),
      /\{.*\}/.exec(captured)?.[0],
    ])
    expect(told).toEqual([
      ['/other', false, '{"prediction":2}'],
      ['/v1/score', true, '{"prediction":1}'],
      ['/predict', isOnApp, '{"prediction":3}'],
    ])
    expect(seen.map(({ outputs }) => outputs)).toEqual([{ prediction: 1 }, ...(isOnApp ? [{ prediction: 3 }] : [])])
    expect(said).toEqual([])
  })
})
