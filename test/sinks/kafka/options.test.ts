import { describe, expect, it } from 'vitest'
import { runsKafka, checkClient } from '../../../sinks/kafka/client.ts'
import { type KafkaOptions, readOptions } from '../../../sinks/kafka/options.ts'

describe('readOptions', () => {
  it('reads a URL of several brokers, with everything in it', () => {
    const url =
      'kafkas://al%40ice:p%3A%2F@a.example:9092,[::1]:9093/iris.v1?mechanism=SCRAM-SHA-512&compression=zstd&partitions=12'
    expect(readOptions({ url })).toEqual({
      brokers: ['a.example:9092', '[::1]:9093'],
      topic: 'iris.v1',
      tls: {},
      login: { mechanism: 'scram-sha-512', username: 'al@ice', password: 'p:/' },
      address: 'kafkas://a.example:9092,[::1]:9093/iris.v1',
      compression: 'zstd',
      createTopic: { partitions: 12, replicas: -1 },
    })
  })

  it('has defaults for all that is not given', () => {
    expect(readOptions({ url: 'kafka://host' })).toEqual({
      brokers: ['host'],
      topic: 'predictions',
      tls: undefined,
      login: undefined,
      address: 'kafka://host/predictions',
      compression: 'none',
      createTopic: undefined,
    })
    expect(readOptions({}).brokers).toEqual(['127.0.0.1:9092'])
  })

  it("takes the URL's word over an option's", () => {
    const url = 'kafka://user:secret@host/topic?compression=gzip'
    const options: KafkaOptions = {
      url,
      topic: 'other',
      username: 'else',
      password: 'no',
      compression: 'none',
      brokers: ['b:1'],
    }
    expect(readOptions(options)).toMatchObject({
      brokers: ['host'],
      topic: 'topic',
      login: { username: 'user', password: 'secret' },
      compression: 'gzip',
    })
  })

  it.each([
    ['createTopic: true', { createTopic: true }, { partitions: -1, replicas: -1 }],
    ['a shape', { createTopic: { partitions: 3 } }, { partitions: 3, replicas: -1 }],
    ['createTopic: false', { createTopic: false }, undefined],
  ])('creates a topic with %s', (_, options, expected) => {
    expect(readOptions(options).createTopic).toEqual(expected)
  })

  it.each<[string, KafkaOptions, string]>([
    ['no kafka URL', { url: 'http://user:hunter2@host/topic' }, 'the URL does not read as'],
    ['a bad broker', { url: 'kafka://user:hunter2@ho st:9/topic' }, 'broker "ho st:9"'],
    ['a bad topic', { url: 'kafka://user:hunter2@host/a/b' }, 'topic "a/b"'],
    [
      'an unknown mechanism',
      { url: 'kafka://user:hunter2@host/t?mechanism=md5' },
      'mechanism "md5" is not one of plain',
    ],
    ['an unknown query', { url: 'kafka://user:hunter2@host/t?acks=0' }, '?acks is unknown'],
    ['no partitions', { url: 'kafka://host/t?partitions=0' }, 'partitions "0"'],
    ['a user without password', { url: 'kafka://user@host/t' }, 'no password'],
    ['a stray percent sign', { url: 'kafka://user:hunter2%@host/t' }, "the URL's password is not percent-encoded"],
    ['an authority that is not there', { ca: '/no/such/file' }, 'ENOENT'],
  ])('refuses %s, and never repeats a password', (_, options, message) => {
    const read = () => readOptions(options)
    expect(read).toThrow(expect.objectContaining({ code: 'PREDICTIONS_BAD_CONFIGURATION' }) as Error)
    expect(read).toThrow(message)
    expect(read).not.toThrow('hunter2')
  })

  it('lists every mistake at once', () => {
    expect(() => readOptions({ url: 'kafka://a b/x/y?partitions=x&compression=zip' })).toThrow(
      /broker .*; topic .*; compression .*; partitions /,
    )
  })
})

describe('the version of Node.js', () => {
  it.each([
    ['22.21.1', false],
    ['22.22.0', true],
    ['23.11.0', false],
    ['24.5.0', false],
    ['24.6.0', true],
    ['26.0.0', true],
  ])('%s runs the client: %s', (version, runs) => expect(runsKafka(version)).toBe(runs))

  it('is named where it is too old', () => {
    expect(() => checkClient('22.16.0')).toThrow(
      'Kafka: the client @platformatic/kafka needs Node.js 22.22 or newer, or 24.6 or newer, and this is 22.16.0',
    )
  })
})
