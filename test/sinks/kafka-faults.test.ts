import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import {
  AclOperations,
  AclPermissionTypes,
  FindCoordinatorKeyTypes,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import { kafka, type KafkaOptions } from 'capture-predictions/sinks/kafka'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type PredictionRecord, recordFromJson } from '../../src/records/record.ts'
import type { Sink } from '../../src/sink.ts'
import { runHere } from '../cli/support.ts'
import { service } from '../setup/services.ts'
import { type Broker, startBroker } from '../services/kafka/broker.ts'
import { logins, secureSettings } from '../services/kafka/secure.ts'
import { type ReadMessage, type Topics, topicsOn } from '../services/kafka/topics.ts'
import { idOf, never, recordOf, recordsOf } from './kafka/records.ts'

// A broker that was given by its address can't be broken: these tests want to start their own, as the shared one was.
const startable = (await service('kafka')) !== undefined && !process.env['TEST_KAFKA_BROKERS']

const idsIn = (messages: readonly ReadMessage[]) => new Set(messages.map(({ value }) => recordFromJson(value).id))

/** As delivery does: the same batch again until it is written. Resolves with how often it failed. */
const deliver = async (sink: Sink, records: readonly PredictionRecord[]): Promise<number> => {
  let failures = 0
  await vi.waitFor(
    async () => {
      try {
        await sink.write(records, never)
      } catch (error) {
        failures++
        throw error
      }
    },
    { timeout: 60_000, interval: 50 },
  )
  return failures
}

describe.skipIf(!startable)('Kafka, when things break', () => {
  let folder: string
  let broker: Broker
  let second: Promise<Broker>
  let ca: string
  let topics: Topics
  const sinks: Sink[] = []

  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/kafka-tls-`)
    const secure = secureSettings(folder)
    ca = secure.ca
    broker = await startBroker(secure)
    topics = topicsOn(broker.brokers)
    // The groups' own topic comes to be while there is no other broker to live on.
    await topics.admin.findCoordinator({ keyType: FindCoordinatorKeyTypes.GROUP, keys: ['any'] })
    second = startBroker({ join: broker })
    // Awaited by the test that needs it.
    second.catch(() => undefined)
  })
  afterAll(async () => {
    await Promise.all(sinks.map((sink) => sink.close!()))
    await topics.close()
    await (await second).remove()
    await broker.remove()
    await rm(folder, { recursive: true })
  })

  const open = (options: KafkaOptions): Sink => {
    const sink = kafka(options)
    sinks.push(sink)
    return sink
  }

  describe('a login', () => {
    let topic: string
    beforeAll(async () => {
      topic = await topics.create()
      const { ALLOW } = AclPermissionTypes
      const acl = {
        resourceType: ResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        host: '*',
        permissionType: ALLOW,
      }
      await topics.admin.createAcls({
        creations: [logins.writer, logins.scrammer].map(({ username }) => ({
          ...acl,
          principal: `User:${username}`,
          operation: AclOperations.WRITE,
        })),
      })
    })

    const url = (user: { username: string; password: string }, query = '') =>
      `kafkas://${encodeURIComponent(user.username)}:${encodeURIComponent(user.password)}@${broker.secureBrokers}/${topic}${query}`

    const unavailable = (message: RegExp) => ({
      code: 'PREDICTIONS_SINK_UNAVAILABLE',
      message: expect.stringMatching(message) as string,
    })
    const refusedWith = (options: KafkaOptions, message: RegExp) =>
      expect(open(options).open!([])).rejects.toMatchObject(unavailable(message))

    it.each([
      ['PLAIN', logins.writer, ''],
      ['SCRAM', logins.scrammer, '?mechanism=scram-sha-512'],
    ])('by %s over TLS with a private authority may write', async (_, user, query) => {
      const sink = open({ url: url(user, query), ca })
      await sink.open!([])
      expect(await sink.write([recordOf(1)], never)).toEqual([])
    })

    it('that is wrong is named, without its password', async () => {
      const wrong = { username: 'writer', password: 'hunter2' }
      await refusedWith(
        { url: url(wrong), ca },
        /^kafkas:\/\/[^ @]+: login as writer was refused with mechanism plain(?!.*hunter2)/,
      )
      await refusedWith({ url: url(wrong, '?mechanism=scram-sha-512'), ca }, /login as writer was refused/)
    })

    it('that may not write is named with what it lacks, and its records wait', async () => {
      const lacks = new RegExp(`nobody may not use topic ${topic}: grant it Write`)
      await refusedWith({ url: url(logins.nobody), ca }, lacks)
      await expect(open({ url: url(logins.nobody), ca }).write([recordOf(1)], never)).rejects.toMatchObject(
        unavailable(lacks),
      )
    })

    it('needs an authority that we trust', async () => {
      await refusedWith({ url: url(logins.writer) }, /(certificate|self.signed).*PREDICTIONS_KAFKA_CA names/)
    })

    it('needs the TLS that the broker speaks, or none', async () => {
      const { username, password } = logins.writer
      const login = { username, password, topic }
      await refusedWith({ brokers: [broker.secureBrokers], topic }, /requires TLS.*write kafkas:/)
      await refusedWith({ brokers: [broker.secureBrokers], ...login }, /write kafkas:.* if it speaks TLS/)
      await refusedWith({ brokers: [broker.brokers], ca, ...login }, /if it speaks no TLS, write kafka:/)
    })

    it('is told by the command whether it is right', async () => {
      const check = (user: { username: string; password: string }) =>
        runHere(['check'], { PREDICTIONS_SINK: url(user), PREDICTIONS_KAFKA_CA: ca, PREDICTIONS_DURABILITY: 'memory' })
      expect(await check(logins.writer)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^ok {5}kafkas:\S+ is as expected$/m),
      })
      const { code, stdout, stderr } = await check({ username: 'writer', password: 'hunter2' })
      expect(code).toBe(1)
      expect(stdout).toMatch(/^FOUND {2}kafkas:\S+: login as writer was refused .*check user name, password/m)
      expect(stdout + stderr).not.toContain('hunter2')
      expect((await check(logins.nobody)).stdout).toMatch(/^FOUND {2}kafkas:\S+: nobody may not use topic/m)
    })

    it('is asked for where none was given', async () => {
      await refusedWith({ brokers: [broker.secureBrokers], topic, ca }, /if it wants a login, give one/)
    })
  })

  it('gives a write up when it is aborted, and writes again with a new producer', async () => {
    const topic = await topics.create()
    const sink = open({ brokers: [broker.brokers], topic })
    await sink.open!([])
    await sink.write([recordOf(1)], never)

    broker.freeze()
    const controller = new AbortController()
    const write = sink.write([recordOf(2)], controller.signal)
    controller.abort(new Error('it has taken too long'))
    try {
      await expect(write).rejects.toMatchObject({
        code: 'PREDICTIONS_SINK_UNAVAILABLE',
        message: expect.stringContaining('it has taken too long') as string,
      })
    } finally {
      broker.thaw()
    }
    await deliver(sink, [recordOf(2), recordOf(3)])
    expect([...idsIn(await topics.read(topic, (messages) => idsIn(messages).size >= 3))]).toEqual([
      idOf(1),
      idOf(2),
      idOf(3),
    ])
  })

  it('goes on with the other broker when the leader moves', async () => {
    const other = await second
    const topic = topics.name()
    await topics.admin.createTopics({ topics: [{ topic, assignments: [{ partition: 0, brokers: [2, 1] }] }] })
    const sink = open({ brokers: [broker.brokers, other.brokers], topic })
    await sink.open!([])
    const leader = async () => {
      const { topics: found } = await topics.admin.metadata({ topics: [topic], forceUpdate: true })
      return found.get(topic)!.partitions[0]!.leader
    }
    await sink.write(recordsOf(100), never)
    expect(await leader()).toBe(2)
    await other.kill()
    await deliver(sink, recordsOf(100, 100))
    expect(await leader()).toBe(1)
    const messages = await topics.read(topic, (messages) => idsIn(messages).size >= 200)
    expect(idsIn(messages).size).toBe(200)
  }, 120_000)

  it('stores every id when the broker is killed and comes back', async () => {
    const topic = await topics.create({ partitions: 3 })
    const sink = open({ brokers: [broker.brokers], topic })
    await sink.open!([])
    const batches = 60
    let back: Promise<void> | undefined
    let failures = 0
    for (let batch = 0; batch < batches; batch++) {
      if (batch === 20) back = broker.kill().then(() => broker.start())
      failures += await deliver(sink, recordsOf(200, batch * 200))
    }
    await back
    expect(failures).toBeGreaterThan(0)
    const messages = await topics.read(
      topic,
      (messages) => messages.length >= batches * 200 && idsIn(messages).size >= batches * 200,
    )
    expect(idsIn(messages).size).toBe(batches * 200)
  }, 120_000)
})
