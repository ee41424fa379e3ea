import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactUrl, sinkUrlMistake, splitUrls, withoutPassword } from '../../src/config/url.ts'

describe('a URL fit for a log', () => {
  it.each([
    ['postgres://u:secret@h:5432/db', 'postgres://u:***@h:5432/db'],
    ['postgres://u@h/db', 'postgres://u@h/db'],
    ['postgres://h:5432/db', 'postgres://h:5432/db'],
    ['postgres://:secret@h/db', 'postgres://:***@h/db'],
    ['postgres://u:se@cr:et/?#%@h/db', 'postgres://u:***@h/db'],
    ['postgres://u:%73ecret@h/db', 'postgres://u:***@h/db'],
    ['postgres://u:my secret@h/db', 'postgres://u:***@h/db'],
    ['kafka://u:secret@h1:9092,h2:9092/topic', 'kafka://u:***@h1:9092,h2:9092/topic'],
    ['kafka://u:secret@h1,u2:secret2@h2/topic', 'kafka://u:***@h2/topic'],
    ['kafka://h1:9092,h2:9092/topic', 'kafka://h1:9092,h2:9092/topic'],
    ['postgres://h/db?password=secret&x=1', 'postgres://h/db?password=***&x=1'],
    ['postgres://h/db?sslmode=require&sslpassword=secret', 'postgres://h/db?sslmode=require&sslpassword=***'],
    ['elasticsearch://h?ApiKey=secret', 'elasticsearch://h?ApiKey=***'],
    [
      'elasticsearch://h?api_key=secret&token=s2&sasl.password=s3',
      'elasticsearch://h?api_key=***&token=***&sasl.password=***',
    ],
    ['postgres://u:a@h/db?password=b', 'postgres://u:***@h/db?password=***'],
    ['sqlite:./predictions.db', 'sqlite:./predictions.db'],
    ['', ''],
  ])('%s', (url, expected) => {
    expect(redactUrl(url)).toBe(expected)
  })

  it('is found in any text', () => {
    expect(withoutPassword('connecting to postgres://u:p@h/db (mysql://a:b@c) failed for me@example.org')).toBe(
      'connecting to postgres://u:***@h/db (mysql://a:***@c) failed for me@example.org',
    )
    expect(withoutPassword('nothing: to hide @ all')).toBe('nothing: to hide @ all')
  })

  it('whatever the password', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (noise) => {
        const password = `S3CR3T${noise}S3CR3T`
        expect(redactUrl(`postgres://u:${password}@h/db`)).toBe('postgres://u:***@h/db')
        if (!/\s/.test(noise))
          expect(withoutPassword(`at postgres://u:${password}@h/db.`)).toBe('at postgres://u:***@h/db.')
      }),
    )
  })

  it('takes linear time', () => {
    for (const text of [
      '://a:'.repeat(200_000),
      '?'.repeat(1e6),
      '://' + '&password'.repeat(1e5),
      'a'.repeat(1e6) + '://',
    ])
      expect(withoutPassword(text).length).toBeGreaterThan(0)
  })
})

describe('a sink by URL', () => {
  it.each([
    'postgres://u:p@h:5432/db?sslmode=require',
    'postgresql://h/db',
    'postgres:///db?host=/var/run/postgresql',
    'postgres://u:p%40%2F@[::1]:5432/db',
    'mysql://u@h/db',
    'mariadb://h/db?application=a@b',
    'sqlite:./x.db',
    'sqlite:x.db',
    'sqlite:/abs/x.db',
    'sqlite:C:\\data\\x.db',
    'sqlite:what.is#it',
    'sqlite:///abs/x.db',
    'elasticsearch://h1:9200,h2:9200/prefix',
    'elasticsearch+https://u:p@h',
    'kafka://h:9092,h2:9092/topic',
    'kafkas://u:p@h:9093/topic',
  ])('none: %s', (url) => {
    expect(sinkUrlMistake(url)).toBeUndefined()
  })

  it.each([
    ['./predictions.db', 'has no scheme'],
    ['C:\\x.db', 'has no scheme'],
    ['predictions', 'has no scheme'],
    ['postgre://h/db', 'did you mean "postgres"?'],
    ['Postgres://h/db', 'did you mean "postgres"?'],
    ['sqlite3:x.db', 'did you mean "sqlite"?'],
    ['elastic://h', 'unknown scheme'],
    ['http://h:9200', 'did you mean "elasticsearch"?'],
    ['https://h:9200', 'did you mean "elasticsearch+https"?'],
    ['mongodb://h', 'known are postgres, postgresql, mysql'],
    ['sqlite:', 'names no file'],
    ['sqlite://', 'names no file'],
    ['sqlite::memory:', 'names no file: what is in memory is gone with the process; write sqlite:FILE'],
    ['sqlite://:memory:', 'write sqlite:FILE'],
    ['sqlite:file::memory:?cache=shared', 'write sqlite:FILE'],
    ['sqlite:p.db?mode=rwc', 'has parameters, and there are none for SQLite ("?mode=rwc"): write sqlite:p.db'],
    ['sqlite:///abs/p.db?mode=rwc', 'write sqlite:/abs/p.db'],
    ['sqlite:file:p.db?mode=rwc', 'write sqlite:p.db'],
    ['postgres:h/db', 'lacks "//": write postgres://…'],
    ['kafka:///topic', 'names no host'],
    ['elasticsearch://', 'names no host'],
    ['kafka://h1,,h2/topic', 'names no host'],
    ['postgres://h:54321a/db', 'has a port'],
    ['postgres://h:0/db', 'has a port'],
    ['postgres://h:65536/db', 'has a port'],
    ['postgres://u:p/w@h/db', 'write "/", "?", "#", "@", ":" and "%"'],
    ['postgres://u:100%@h/db', 'write "/", "?", "#", "@", ":" and "%"'],
    ['postgres://u:p w@h/db', 'has a space'],
    ['postgres://[::1/db', 'has a host that is not a name'],
    ['postgres://::1:5432/db', 'has a port'],
  ])('%s', (url, expected) => {
    expect(sinkUrlMistake(url)).toContain(expected)
  })

  it('never has its user info in the mistake', () => {
    for (const url of [
      'postgre://u:S3@h',
      'postgres://u:S3/x@h',
      'postgres://u:S3 x@h',
      'postgres:u:S3@h',
      'kafka://u:S3@/t',
    ])
      expect(sinkUrlMistake(url)).not.toContain('S3')
  })

  it('stands beside others with a space between', () => {
    expect(splitUrls(' sqlite:./a.db  postgres://u:p@h/db\nkafka://h/t ')).toEqual([
      'sqlite:./a.db',
      'postgres://u:p@h/db',
      'kafka://h/t',
    ])
    expect(splitUrls('sqlite:./my file.db')).toEqual(['sqlite:./my file.db'])
    expect(splitUrls('  ')).toEqual([])
  })
})
