import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
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
import { createTurn } from '../../src/http/reply-groups.ts'
import { cleanup, temporaryFolder, testCapture } from '../setup/captures.ts'

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

/** A turn in which replies came close to one another: the next one waits. */
const turnOf = (socket: Socket) => {
  const recorded: string[][] = []
  const turn = createTurn<string>(
    (ended) => void recorded.push([...ended]),
    (error) => {
      throw error
    },
  )
  stopClock()
  for (const before of ['first', 'second']) expect(turn.add(before, socket)).toBe(false)
  return { turn, recorded }
}

/** However slow the machine: what comes one after the other comes close. */
const stopClock = () => vi.useFakeTimers({ toFake: ['performance'] })

afterEach(() => vi.useRealTimers())

describe('a turn', () => {
  it('records what ended in it at once, and then lets its replies go', async () => {
    const [one, two] = [await connection(), await connection()]
    const { turn, recorded } = turnOf(one.socket)
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
    const { socket, received } = await connection()
    const [first, second] = [turnOf(socket), turnOf(socket)]
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
    const { socket, client, received } = await connection()
    const { turn, recorded } = turnOf(socket)
    turn.add('one', socket)
    socket.write('reply')
    socket.destroy()
    expect(recorded).toEqual([['one']])
    await once(client, 'close')
    expect(received()).toBe('reply')
  })

  it('ends after a millisecond, however many replies are to come', async () => {
    const { socket } = await connection()
    const { turn, recorded } = turnOf(socket)
    turn.add('a', socket)
    vi.advanceTimersByTime(0.9)
    turn.add('b', socket)
    expect(recorded).toEqual([])
    vi.advanceTimersByTime(0.2)
    turn.add('c', socket)
    expect(recorded).toEqual([['a', 'b', 'c']])
  })

  it('keeps no reply back that comes long after the one before: a handler may go on computing after it', async () => {
    const { socket } = await connection()
    const { turn, recorded } = turnOf(socket)
    vi.advanceTimersByTime(0.3)
    expect(turn.add('alone', socket)).toBe(false)
    vi.advanceTimersByTime(0.2)
    expect(turn.add('close', socket)).toBe(false)
    vi.advanceTimersByTime(0.2)
    expect(turn.add('close again', socket)).toBe(true)
    turn.flush()
    expect(recorded).toEqual([['close again']])
  })

  it('keeps none of the next thousand replies back where handlers compute for long', async () => {
    const { socket } = await connection()
    const { turn } = turnOf(socket)
    /** Whether a reply is kept back; what else its group waits for takes so long. */
    const isKept = (duration: number): boolean => {
      const kept = turn.add('reply', socket)
      vi.advanceTimersByTime(duration)
      turn.flush()
      return kept
    }
    const kept = (replies: number): number => Array.from({ length: replies }, () => isKept(0)).filter(Boolean).length
    expect(isKept(5)).toBe(true)
    expect(kept(1001)).toBe(0)
    // One is tried; it is as slow.
    expect([isKept(5), isKept(0)]).toEqual([true, false])
    expect(kept(1000)).toBe(0)
    expect(kept(10)).toBe(10)
  })

  it('ends where timers are mocked, and after it', async () => {
    const { socket, received } = await connection()
    const { turn, recorded } = turnOf(socket)
    vi.useFakeTimers()
    turn.add('mocked', socket)
    socket.write('1')
    vi.useRealTimers()
    await vi.waitFor(() => expect(received()).toBe('1'))
    stopClock()
    // By the mocked clock the group took long: it may go alone.
    const isKept = turn.add('again', socket)
    socket.write('2')
    vi.useRealTimers()
    await vi.waitFor(() => expect(received()).toBe('12'))
    expect(recorded).toEqual(isKept ? [['mocked'], ['again']] : [['mocked']])
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
    const url = await listen(app)
    stopClock()
    for (let i = 0; i < 2; i++) await (await post(url)).json()
    const reply = await post(url)
    expect(await reply.json()).toEqual({ prediction: 1 })
    // Those before are recorded already.
    expect(seen).toEqual({ headersSent: true, writableEnded: true, destroyed: false, captured: 2, held: true })
    expect(await records()).toHaveLength(3)
  })

  it('that waited goes in its own async context, not in that of another request', async () => {
    const { capture, records } = testCapture()
    const storage = new AsyncLocalStorage<number>()
    const seen: (number | undefined)[][] = []
    const replies: (() => void)[] = []
    const app = express().use(express.json()).use(capturePredictions(capture))
    app.post('/predict', (_req, res) => {
      const reply = () => {
        const nth = storage.getStore()
        for (const event of ['finish', 'close']) res.once(event, () => seen.push([nth, storage.getStore()]))
        res.setHeader('content-type', 'application/json')
        res.end('{"prediction":1}', () => seen.push([nth, storage.getStore()]))
      }
      replies.push(storage.run(replies.length, () => AsyncResource.bind(reply)))
      if (replies.length === 5) for (const each of replies) each()
    })
    const url = await listen(app)
    stopClock()
    const got = Array.from({ length: 5 }, () => post(url)).map(async (reply) => (await reply).text())
    expect(await Promise.all(got)).toEqual(Array(5).fill('{"prediction":1}'))
    await vi.waitFor(() => expect(seen).toHaveLength(15))
    expect(seen.filter(([own, found]) => own !== found)).toEqual([])
    expect(await records()).toHaveLength(5)
  })

  it('waits for the records of two captures', async () => {
    const [one, two] = [testCapture(), testCapture()]
    const app = express().use(express.json())
    app.use(capturePredictions(one.capture)).use(capturePredictions(two.capture))
    app.post('/predict', (_req, res) => void res.json({ prediction: 1 }))
    const url = await listen(app)
    stopClock()
    for (let i = 0; i < 5; i++) expect(await (await post(url)).json()).toEqual({ prediction: 1 })
    expect([(await one.records()).length, (await two.records()).length]).toEqual([5, 5])
  })

  it('goes when its handler throws after it, where another capture holds it first', async () => {
    const [grouping, holding] = [testCapture(), testCapture({ durability: 'sink' })]
    const app = express().use(express.json())
    app.use(capturePredictions(grouping.capture)).use(capturePredictions(holding.capture))
    app.post('/predict', (_req, res) => {
      res.json({ prediction: 1 })
      throw new Error('after the reply')
    })
    app.set('env', 'test')
    const url = await listen(app)
    stopClock()
    for (let i = 0; i < 5; i++) expect(await (await post(url)).json()).toEqual({ prediction: 1 })
    expect(await grouping.records()).toHaveLength(5)
  })

  /** What the client got, and how many records the outbox has, of a service that ended right after its third reply. */
  const endingBy = async (ending: string): Promise<{ got: string; stored: number }> => {
    const outbox = join(temporaryFolder(), 'outbox')
    const child = fork(fileURLToPath(new URL('./children/ending.ts', import.meta.url)), [outbox, ending], {
      silent: true,
    })
    cleanup(() => child.kill('SIGKILL'))
    const [port] = (await once(child, 'message')) as [number]
    const url = `http://127.0.0.1:${port}/predict`
    for (let i = 0; i < 2; i++) await (await post(url)).json()
    const got = await post(url).then(
      async (reply) => `${reply.status} ${await reply.text()}`,
      () => 'nothing',
    )
    const segments = readdirSync(outbox, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'))
    const text = segments.map((name) => readFileSync(join(outbox, name), 'utf8')).join('')
    return { got, stored: text.split('\n').length - 1 }
  }

  it('is not had by a client when the process is killed before its record is appended', async () => {
    expect(await endingBy('kill')).toEqual({ got: 'nothing', stored: 2 })
  })

  it.each(['exit', 'throw', 'destroy'])('goes, and its record is kept, when the handler ends by %s', async (ending) => {
    expect(await endingBy(ending)).toEqual({ got: '200 {"prediction":1}', stored: 3 })
  })
})
