import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { cleanup, temporaryFolder } from '../setup/captures.ts'
import { comparable, rawReply } from './raw.ts'

const program = fileURLToPath(new URL('./children/fake-timers.ts', import.meta.url))

describe.each(['sinon', 'node'])('timers faked by %s', (fakes) => {
  it.each(
    ['before', 'after'].flatMap((when) => ['express', 'koa', 'fastify'].map((framework) => [when, framework] as const)),
  )('%s anything is loaded hold up no reply and no row: %s', async (when, framework) => {
    const child = fork(program, [fakes, when, framework, temporaryFolder()], {
      execArgv: ['--experimental-strip-types', '--no-warnings'],
      silent: true,
    })
    cleanup(() => child.kill('SIGKILL'))
    const [[bare, captured]] = (await once(child, 'message')) as [[number, number]]
    const expected = comparable(await rawReply(bare, '/predict'))
    const replies = await Promise.all(Array.from({ length: 20 }, () => rawReply(captured, '/predict')))
    expect(replies.map(comparable)).toEqual(Array(20).fill(expected))
    child.send('end')
    const [end] = (await once(child, 'message')) as [unknown]
    expect(end).toMatchObject({ rows: 20, stats: { requests: { seen: 20, captured: 20 }, faults: 0 } })
  })
})
