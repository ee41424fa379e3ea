import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { capturePredictions } from 'capture-predictions/express'
import { createTurn } from '../src/turn.ts'
import { cleanup, temporaryFolder, testCapture } from './setup/captures.ts'

/** Both ends of a connection. */
const connection = async (): Promise<{ socket: Socket; client: Socket; received: () => string }> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  let received = ''
  client.on('data', (data) => (received += data.toString()))
  cleanup(() => {
    client.destroy()
    socket.destroy()
    server.close()
  })
  return { socket, client, received: () => received }
}

const turnOf = () => {
  const recorded: string[][] = []
  const turn = createTurn<string>((ended) => void recorded.push([...ended]))
  return { turn, recorded }
}

afterEach(() => vi.useRealTimers())

describe('a turn', () => {
  it('records what ended in it at once, and then lets its replies go', async () => {
    const { turn, recorded } = turnOf()
    const [one, two] = [await connection(), await connection()]
    turn.add('one', one.socket)
    one.socket.write('1')
    // As `end` of a response does.
    one.socket.uncork()
    turn.add('two', two.socket)
    two.socket.write('2')
    expect([one.socket.writableLength, two.socket.writableLength, recorded]).toEqual([1, 1, []])
    await vi.waitFor(() => expect([one.received(), two.received()]).toEqual(['1', '2']))
    expect(recorded).toEqual([['one', 'two']])
    one.socket.write('3')
    await vi.waitFor(() => expect(one.received()).toBe('13'))
  })

  it('goes on a connection that another turn holds as well', async () => {
    const [first, second] = [turnOf(), turnOf()]
    const { socket, received } = await connection()
    first.turn.add('a', socket)
    second.turn.add('b', socket)
    socket.write('1')
    first.turn.flush()
    expect(socket.writableLength).toBe(1)
    second.turn.flush()
    expect(socket.writableLength).toBe(0)
    await vi.waitFor(() => expect(received()).toBe('1'))
  })

  it('ends when a connection that it holds is to be destroyed: the reply goes', async () => {
    const { turn, recorded } = turnOf()
    const { socket, client, received } = await connection()
    turn.add('one', socket)
    socket.write('reply')
    socket.destroy()
    expect(recorded).toEqual([['one']])
    await once(client, 'close')
    expect(received()).toBe('reply')
  })

  it('ends after a millisecond, however many replies are to come', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { turn, recorded } = turnOf()
    const { socket } = await connection()
    turn.add('a', socket)
    vi.advanceTimersByTime(0.9)
    turn.add('b', socket)
    expect(recorded).toEqual([])
    vi.advanceTimersByTime(0.2)
    turn.add('c', socket)
    expect(recorded).toEqual([['a', 'b', 'c']])
  })

  it('keeps no reply back for a second where handlers compute for long', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { turn } = turnOf()
    const { socket } = await connection()
    const slowGroup = (): boolean => {
      const taken = turn.add('slow', socket)
      vi.advanceTimersByTime(5)
      turn.flush()
      return taken
    }
    expect([1, 2, 3, 4, 5].map(slowGroup)).toEqual([true, true, true, true, false])
    vi.advanceTimersByTime(1000)
    // One is tried; it is as slow.
    expect([1, 2].map(slowGroup)).toEqual([true, false])
    vi.advanceTimersByTime(1000)
    turn.add('fast', socket)
    turn.flush()
    expect(slowGroup()).toBe(true)
  })
})

/** What a client receives from a service of this process. */
const listen = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/predict`
}

const post = (url: string) =>
  fetch(url, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } })

describe('a reply', () => {
  it('reads as gone to its handler while it waits', async () => {
    const { capture, records } = testCapture()
    const app = express().use(express.json()).use(capturePredictions(capture))
    let seen: unknown
    app.post('/predict', (_req, res) => {
      res.json({ prediction: 1 })
      const { headersSent, writableEnded, destroyed } = res
      const { captured } = capture.stats().requests
      seen = { headersSent, writableEnded, destroyed, captured, held: res.socket!.writableLength > 0 }
    })
    const reply = await post(await listen(app))
    expect(await reply.json()).toEqual({ prediction: 1 })
    expect(seen).toEqual({ headersSent: true, writableEnded: true, destroyed: false, captured: 0, held: true })
    expect(await records()).toHaveLength(1)
  })

  it('waits for the records of two captures', async () => {
    const [one, two] = [testCapture(), testCapture()]
    const app = express().use(express.json())
    app.use(capturePredictions(one.capture)).use(capturePredictions(two.capture))
    app.post('/predict', (_req, res) => void res.json({ prediction: 1 }))
    const url = await listen(app)
    for (let i = 0; i < 3; i++) expect(await (await post(url)).json()).toEqual({ prediction: 1 })
    expect([(await one.records()).length, (await two.records()).length]).toEqual([3, 3])
  })

  /** What the client got, and how many records the outbox has, of a service that ended right after its reply. */
  const endingBy = async (ending: string): Promise<{ got: string; stored: number }> => {
    const outbox = join(temporaryFolder(), 'outbox')
    const child = fork(fileURLToPath(new URL('./children/ending.ts', import.meta.url)), [outbox, ending], {
      silent: true,
    })
    cleanup(() => child.kill('SIGKILL'))
    const [port] = (await once(child, 'message')) as [number]
    const got = await post(`http://127.0.0.1:${port}/predict`).then(
      async (reply) => `${reply.status} ${await reply.text()}`,
      () => 'nothing',
    )
    const segments = readdirSync(outbox, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'))
    const text = segments.map((name) => readFileSync(join(outbox, name), 'utf8')).join('')
    return { got, stored: text.split('\n').length - 1 }
  }

  it('is not had by a client when the process is killed before its record is appended', async () => {
    expect(await endingBy('kill')).toEqual({ got: 'nothing', stored: 0 })
  })

  it.each(['exit', 'throw', 'destroy'])('goes, and its record is kept, when the handler ends by %s', async (ending) => {
    expect(await endingBy(ending)).toEqual({ got: '200 {"prediction":1}', stored: 1 })
  })
})
