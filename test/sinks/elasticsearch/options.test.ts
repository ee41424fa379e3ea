import { describe, expect, it } from 'vitest'
import { hasCode } from '../../../src/errors/errors.ts'
import { readOptions, type ElasticsearchOptions } from '../../../sinks/elasticsearch/options.ts'

const mistakesOf = (options: ElasticsearchOptions): string => {
  try {
    readOptions(options)
  } catch (error) {
    expect(hasCode(error, 'PREDICTIONS_BAD_CONFIGURATION')).toBe(true)
    return (error as Error).message
  }
  return ''
}

describe('the options of the Elasticsearch sink', () => {
  it('have defaults', () => {
    expect(readOptions({ url: 'elasticsearch://es' })).toEqual({
      nodes: ['http://es:9200'],
      address: 'elasticsearch://es/predictions',
      prefix: 'predictions',
      indexBy: 'month',
      auth: undefined,
      ca: undefined,
      requestTimeout: 30_000,
      compression: true,
      migrate: 'auto',
    })
  })

  it.each<[string, string, object]>([
    ['a port and a prefix', 'elasticsearch://es:9201/iris', { nodes: ['http://es:9201'], prefix: 'iris' }],
    ['TLS', 'elasticsearch+https://es/iris/', { nodes: ['https://es:9200'], prefix: 'iris' }],
    ['plain http and https', 'https://es:443/', { nodes: ['https://es:443'], prefix: 'predictions' }],
    ['several nodes', 'elasticsearch://a:1,b,[::1]:3/x', { nodes: ['http://a:1', 'http://b:9200', 'http://[::1]:3'] }],
    ['a login', 'elasticsearch://u:p@es', { auth: { username: 'u', password: 'p' } }],
    ['an encoded login', 'elasticsearch://u%40x:p%3A%2F%40%25@es', { auth: { username: 'u@x', password: 'p:/@%' } }],
    ['a colon in the password', 'elasticsearch://u:p:q@es', { auth: { username: 'u', password: 'p:q' } }],
    ['a user without a password', 'elasticsearch://u@es', { auth: { username: 'u', password: '' } }],
  ])('read %s from the URL', (_what, url, settings) => {
    expect(readOptions({ url })).toMatchObject(settings)
  })

  it('name the prefix: by option, else URL, else table', () => {
    const url = 'elasticsearch://es/by-url'
    expect(readOptions({ url, prefix: 'by-option', table: 'by-table' }).prefix).toBe('by-option')
    expect(readOptions({ url, table: 'by-table' }).prefix).toBe('by-url')
    expect(readOptions({ url: 'elasticsearch://es', table: 'Sch.Table' }).prefix).toBe('sch.table')
  })

  it('never show a login', () => {
    const { address } = readOptions({ url: 'elasticsearch+https://user:secret@a,b/x' })
    expect(address).toBe('elasticsearch+https://a,b/x')
    for (const url of [
      'elasticsearch://user:secret@a b',
      'user:secret@a',
      'kafka://user:secret@a/UPPER',
      'elasticsearch://user:secret%zz@a',
    ])
      expect(mistakesOf({ url })).not.toContain('secret')
  })

  it.each<[string, ElasticsearchOptions, RegExp]>([
    ['another scheme', { url: 'postgres://es' }, /url: must be elasticsearch:/],
    ['no host', { url: 'elasticsearch://' }, /url:/],
    ['a bad host among good ones', { url: 'elasticsearch://a,:1,b' }, /url: has a host/],
    ['a bad port', { url: 'elasticsearch://a:99999' }, /url: has a host/],
    ['a query', { url: 'elasticsearch://a/x?y=1' }, /url: must be/],
    ['an encoding that is none', { url: 'elasticsearch://u:%zz@a' }, /percent-encoded/],
    ['two logins', { url: 'elasticsearch://u:p@a', apiKey: 'k' }, /apiKey: the URL has a user/],
    ['capitals in the prefix', { url: 'elasticsearch://a/Iris' }, /prefix: "Iris"/],
    ['a prefix of several steps', { url: 'elasticsearch://a/b/c' }, /prefix: "b\/c"/],
    ['a wildcard', { url: 'elasticsearch://a', prefix: 'a*' }, /prefix: "a\*"/],
    ['a hidden prefix', { url: 'elasticsearch://a', prefix: '.a' }, /prefix/],
    ['indexBy', { url: 'elasticsearch://a', indexBy: 'year' as 'month' }, /indexBy: must be month, day or none/],
    ['migrate', { url: 'elasticsearch://a', migrate: 'on' as 'off' }, /migrate/],
    ['requestTimeout', { url: 'elasticsearch://a', requestTimeout: Number.NaN }, /requestTimeout/],
  ])('say what is wrong: %s', (_what, options, message) => {
    expect(mistakesOf(options)).toMatch(message)
  })

  it('say all that is wrong at once', () => {
    const message = mistakesOf({ url: 'mysql://a', prefix: 'A', indexBy: 'x' as 'none' })
    for (const name of ['url', 'prefix', 'indexBy']) expect(message).toContain(`${name}:`)
  })
})
