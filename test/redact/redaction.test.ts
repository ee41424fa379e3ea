import fc from 'fast-check'
import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decode, encode } from '../../src/records/json.ts'
import { createRedactor } from '../../src/redact/redaction.ts'
import { redactMistakes, ruleWithHash } from '../../src/redact/rules.ts'

const key = 'a key of the tests'
const start = (...rules: string[]) => createRedactor(rules, key)!.start()
const features = (rule: string, value: unknown) => start(...rule.split(', ')).apply('features', value)
const hmac = (text: string) => createHmac('sha256', key).update(text).digest('hex')

it('is nothing without rules', () => {
  expect(createRedactor([], key)).toBeUndefined()
})

describe('paths', () => {
  const value = {
    age: 41,
    email: 'a@b.org',
    user: { email: 'c@d.org', address: { zip: '12345', city: 'Ulm' } },
    items: [{ sku: 'x1', email: 'e@f.org' }, { sku: 'x2' }, 7],
  }

  it.each<[string, unknown]>([
    ['email', { ...value, email: undefined }],
    ['user.email', { ...value, user: { address: value.user.address } }],
    ['user', { ...value, user: undefined }],
    ['user.address.zip', { ...value, user: { ...value.user, address: { city: 'Ulm' } } }],
    ['user.*', { ...value, user: {} }],
    ['*.email', { ...value, user: { address: value.user.address } }],
    ['items.0.sku', { ...value, items: [{ email: 'e@f.org' }, { sku: 'x2' }, 7] }],
    ['items[0].sku', { ...value, items: [{ email: 'e@f.org' }, { sku: 'x2' }, 7] }],
    ['items.*.sku', { ...value, items: [{ email: 'e@f.org' }, {}, 7] }],
    ['items[*].sku', { ...value, items: [{ email: 'e@f.org' }, {}, 7] }],
    ['items.2', { ...value, items: [value.items[0], { sku: 'x2' }, null] }],
    ['items.*', { ...value, items: [null, null, null] }],
    ['**.email', { age: 41, user: { address: value.user.address }, items: [{ sku: 'x1' }, { sku: 'x2' }, 7] }],
    ['**.address.**', { ...value, user: { email: 'c@d.org', address: {} } }],
    ['user.**.zip', { ...value, user: { ...value.user, address: { city: 'Ulm' } } }],
    ['**', {}],
    ['features.email', { ...value, email: undefined }],
    ['nothing, user.nothing, email.deeper, outputs.email, tags.email, Email', value],
    ['features', value],
  ])('%s', (rule, expected) => {
    const before = structuredClone(value)
    expect(decode(encode(features(rule, value)))).toEqual(decode(encode(expected)))
    expect(value).toEqual(before)
  })

  it('a bare name is meant in features, outputs and tags alike; a prefix names one of them', () => {
    const bare = start('email')
    const outputs = start('outputs.email')
    for (const source of ['features', 'outputs', 'tags'] as const) {
      expect(bare.apply(source, { email: 'x', a: 1 })).toEqual({ a: 1 })
      expect(outputs.apply(source, { email: 'x' })).toEqual(source === 'outputs' ? {} : { email: 'x' })
    }
    expect(start('features.tags').apply('features', { tags: 'abc' })).toEqual({})
  })

  it('a name with dots is the path that it spells', () => {
    expect(features('user.email', { 'user.email': 'x', a: 1 })).toEqual({ a: 1 })
    expect(features('user', { 'user.email': 'x', a: 1 })).toEqual({ a: 1 })
    expect(features('**.email', { 'a.b': { 'c.email': 'x', d: 1 } })).toEqual({ 'a.b': { d: 1 } })
  })

  it('a name of any kind is a name: __proto__, empty, constructor', () => {
    const given = JSON.parse('{"__proto__":{"email":"x","a":1},"constructor":"y","":"z"}') as object
    const result = features('__proto__.email', given)
    expect(JSON.stringify(result)).toBe('{"__proto__":{"a":1},"constructor":"y","":"z"}')
    expect(({} as { a?: unknown }).a).toBeUndefined()
    expect(features('constructor', { a: 1 })).toEqual({ a: 1 })
    expect(JSON.stringify(features('__proto__:mask', given))).toContain('"__proto__":"****"')
  })

  it('shares what does not change', () => {
    expect(features('a.b', value)).toBe(value)
    const result = features('email', value) as typeof value
    expect(result.user).toBe(value.user)
    const numbers = { nan: NaN, x: 1 }
    expect(features('y', numbers)).toBe(numbers)
  })

  it('of several rules for one value the first counts', () => {
    expect(features('a:mask, a', { a: '123456' })).toEqual({ a: '****3456' })
    expect(features('a, a:mask', { a: '123456' })).toEqual({})
  })
})

describe('mask keeps the last four characters', () => {
  it.each<[unknown, unknown]>([
    ['4111111111111111', '****1111'],
    ['12345', '****2345'],
    ['1234', '****'],
    ['', '****'],
    ['a😀b😀c', '****😀b😀c'],
    ['😀😀😀😀', '****'],
    ['😀😀😀😀😀', '****😀😀😀😀'],
    [4111111111111111, '****1111'],
    [12345678901234567890n, '****7890'],
    [7, '****'],
    [true, '****'],
    [{ a: 1 }, '****'],
    [['12345678'], '****'],
    [new Date(0), '****000Z'],
    [null, null],
  ])('%s', (value, expected) => {
    expect(features('x:mask', { x: value })).toEqual({ x: expected })
  })
})

it('masks a long text', () => {
  expect(features('x:mask', { x: 'x'.repeat(1_000_000) + 'last' })).toEqual({ x: '****last' })
})

describe('hash is the HMAC of the text', () => {
  it.each<[unknown, string]>([
    ['078-05-1120', '078-05-1120'],
    ['', ''],
    ['ключ 😀', 'ключ 😀'],
    [123, '123'],
    [-0, '0'],
    [5.1, '5.1'],
    [2n ** 64n, '18446744073709551616'],
    [true, 'true'],
    [NaN, 'NaN'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [{ b: [1, { d: 2, c: 3 }], a: 'x' }, '{"a":"x","b":[1,{"c":3,"d":2}]}'],
    [new Map([['b', 1], ['a', 2]]), '{"a":2,"b":1}'], // prettier-ignore
  ])('%s', (value, text) => {
    expect(features('x:hash', { x: value })).toEqual({ x: hmac(text) })
  })

  it('is stable: RFC 4231, test case 2', () => {
    const redaction = createRedactor(['x:hash'], 'Jefe')!.start()
    expect(redaction.apply('tags', { x: 'what do ya want for nothing?' })).toEqual({
      x: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    })
  })

  it('is not made of itself when a value comes by again', () => {
    const redaction = start('x:hash', 'y:mask')
    const once = redaction.apply('outputs', { x: 'secret', y: '12345678' })
    expect(redaction.apply('outputs', once)).toEqual(once)
    expect(redaction.text(`${hmac('secret')} ****5678`)).toBe(`${hmac('secret')} ****5678`)
  })
})

describe('a value is seen as it will be written', () => {
  const leak = 'leak@b.org'
  const user = { email: leak, name: 'Ada' }
  const circular: Record<string, unknown> = { ...user }
  circular['self'] = circular

  class Account {
    #email = leak
    name = 'Ada'
    toJSON() {
      return { email: this.#email, name: this.name }
    }
  }

  const once = { calls: 0 }
  const values: Record<string, unknown> = {
    toJSON: new Account(),
    'toJSON of a toJSON': { toJSON: () => new Account() },
    Map: new Map(Object.entries(user)),
    'Set of objects': new Set([user]),
    'object without prototype': Object.assign(Object.create(null), user),
    'instance of a class': Object.assign(new (class Plain {})(), user),
    circular,
    'circular through an array': (() => {
      const list: unknown[] = [user]
      list.push(list)
      return list
    })(),
    deep: Array.from({ length: 400 }).reduce<unknown>((below) => ({ a: below, email: leak }), user),
    getter: {
      get email() {
        return leak
      },
    },
    'getter that throws': {
      email: leak,
      get bad() {
        throw new Error(leak)
      },
    },
    'toJSON that throws': {
      toJSON() {
        throw new Error(leak)
      },
    },
    'toJSON that returns itself': {
      ...user,
      toJSON() {
        return this
      },
    },
    'a toJSON that differs each time': { toJSON: () => ({ [once.calls++ === 0 ? 'email' : 'mail']: leak }) },
    proxy: new Proxy(user, {}),
    'a proxy that throws': new Proxy(user, {
      ownKeys() {
        throw new Error(leak)
      },
    }),
    Buffer: Buffer.from('plain'),
    'typed array': new Float32Array([1, 2]),
    Date: new Date(0),
    'invalid Date': new Date(NaN),
    frozen: Object.freeze({ ...user }),
    'sparse array': Object.assign([], { 3: user }),
  }

  it.each(Object.keys(values))('%s', (name) => {
    for (const rule of ['**.email', 'x.**.email, x.email, x.*.email, x.self.**']) {
      once.calls = 0
      const written = encode(features(rule, { x: values[name], a: 1 }))
      expect(written).not.toContain(leak)
      expect(written).toContain('"a":1')
    }
    expect(encode(features('x.0, nothing', { x: new Float32Array([1, 2]) }))).toBe('{"x":[null,2]}')
  })
})

it('nothing is shared unseen below the depth to which it is looked at', () => {
  let value: Record<string, unknown> = { email: 'x' }
  for (let i = 0; i < 10_000; i++) value = { a: value, email: 'x' }
  let at = features('**.email', value) as Record<string, unknown>
  let depth = 0
  for (; typeof at === 'object'; depth++) {
    expect(at).not.toHaveProperty('email')
    at = at['a'] as Record<string, unknown>
  }
  // Without a digest, by which a short value could be tried.
  expect(at).toMatch(/^\[nested too deep: \d+ bytes of JSON\]$/)
  expect(depth).toBeGreaterThan(100)
})

describe('free text', () => {
  it('loses the values that were taken out, also as JSON and URLs spell them', () => {
    const redaction = start('email', 'note:mask', 'user:hash', 'card')
    redaction.apply('features', {
      email: 'ada+x@b.org',
      note: 'say "hi"\n/ok',
      user: { phone: '555-123', tags: ['grün', 12345678901234567890n, 7] },
      card: 4111111111111111,
      other: 'kept',
    })
    expect(redaction.text('no ada+x@b.org, 4111111111111111 or ada%2Bx%40b.org; kept 7 times')).toBe(
      'no [redacted], [redacted] or [redacted]; kept 7 times',
    )
    expect(redaction.text('{"note":"say \\"hi\\"\\n/ok"} 555-123 gr%C3%BCn 12345678901234567890')).toBe(
      '{"note":"[redacted]"} [redacted] [redacted] [redacted]',
    )
  })

  it('is replaced once and by the longest: what stands for a value is not searched', () => {
    const redaction = start('**')
    redaction.apply('features', { a: 'reda', b: 'redacted', c: 'acted', d: 'credit' })
    expect(redaction.text('a redacted credit, acted')).toBe('a [redacted] [redacted], [redacted]')
  })

  it('is not searched for values of few characters or digits, nor for booleans and null', () => {
    const redaction = start('**')
    redaction.apply('features', { a: 'yes', b: 1985, c: true, d: null, e: '', f: 'None', g: 0.97, h: '   ' })
    expect(redaction.text('yes 1985 true null None 0.97    ')).toBe('yes 1985 true null None 0.97    ')
  })

  it('loses the snippet of the body that JSON.parse quotes', () => {
    const redaction = start('email')
    const quoted = (body: string) => {
      try {
        return JSON.parse(body) as never
      } catch (error) {
        return (error as Error).message
      }
    }
    for (const body of ['{"email":"a@b.org",x}', 'a@b.org', '{"a":1,"b":"c","email":"a@b.org"x,"more":[1,2,3,4,5]}'])
      expect(redaction.text(quoted(body))).not.toContain('a@b.org')
    expect(redaction.text(quoted('{"email":x}'))).toMatch(/^Unexpected token 'x', \[redacted\] is not valid JSON$/)
    expect(redaction.text('"a" is not valid')).toBe('"a" is not valid')
  })

  it('is left out as a whole where there are too many values to look for', () => {
    const redaction = start('email')
    redaction.raw(Array.from({ length: 10_002 }, (_, i) => `word${i}`).join(' '))
    expect(redaction.text('whatever')).toBe('[redacted]')
    // Its words are not looked for in what rules could be applied to.
    expect(redaction.clean({ a: 'word7' })).toEqual({ a: 'word7' })
    for (let i = 0; i <= 1_000_001; i++) redaction.apply('features', { email: `${i}@e.org` })
    expect(redaction.cleanJson('{"a":"whatever"}')).toBe('{"[redacted]":"[redacted]"}')
  })

  it('is left out as a whole where the search would take long, whatever values and text a caller makes up', () => {
    const redaction = start('**')
    for (let i = 3; i < 1300; i++) redaction.apply('features', { a: 'a'.repeat(i) + 'b' })
    expect(redaction.text('caaabc')).toBe('c[redacted]c')
    expect(redaction.text('a'.repeat(100_000))).toBe('[redacted]')
    expect(redaction.text('c'.repeat(100_000))).toBe('c'.repeat(100_000))
    // What one exchange may take is taken: also by many short texts.
    expect(redaction.text('caaabc')).toBe('[redacted]')
  })

  it('of one exchange knows nothing of another', () => {
    const redactor = createRedactor(['email'], undefined)!
    redactor.start().apply('features', { email: 'a@b.org' })
    expect(redactor.start().text('a@b.org')).toBe('a@b.org')
  })
})

describe('notes', () => {
  it('are redacted by their path, and all else as free text', () => {
    const redaction = start('email', 'ssn:mask', 'outputs.deep.secret')
    redaction.apply('features', { email: 'a@b.org' })
    const notes = {
      'features.email': { value: 'x@y.org', reason: 'not a number: x@y.org' },
      'features.ssn': { value: 123456789, reason: 'rounded' },
      'outputs.deep': { value: { secret: 'hidden', open: 'a@b.org', n: 123456789 }, reason: 'no column' },
      'outputs.secret': { reason: 'too long' },
      request: { value: { 'a@b.org': ['hidden'] }, reason: 'could not be read: a@b.org' },
    }
    const before = structuredClone(notes)
    expect(redaction.extra(notes)).toEqual({
      'features.email': { reason: 'not a number: [redacted]' },
      'features.ssn': { value: '****6789', reason: 'rounded' },
      'outputs.deep': { value: { open: '[redacted]', n: '[redacted]' }, reason: 'no column' },
      'outputs.secret': { reason: 'too long' },
      request: { value: { '[redacted]': ['[redacted]'] }, reason: 'could not be read: [redacted]' },
    })
    expect(notes).toEqual(before)
  })

  it('a body that could not be taken apart is its size and digest, and its words leave the errors', () => {
    for (const body of [
      'name=Ada;mail=a@b.org',
      Buffer.from('name=Ada;mail=a@b.org'),
      { mail: ['a@b.org'], n: 12345 },
    ]) {
      const redaction = start('email')
      const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? body : encode(body)
      expect(redaction.raw(body)).toEqual({
        bytes: Buffer.byteLength(bytes),
        sha256: createHash('sha256').update(bytes).digest('hex'),
      })
      expect(redaction.text('cannot read a@b.org')).toBe('cannot read [redacted]')
    }
    expect(start('email').raw(undefined).bytes).toBe(4)
  })
})

describe('rules', () => {
  it.each([
    ['email', []],
    ['a.b[0].*.**.c:hash', []],
    ['a:mask', []],
    ['ключ.a b:drop', []],
    ['email:msk', ['"email:msk" has an unknown action: write :drop, :mask or :hash; did you mean "mask"?']],
    ['email:', ['"email:" has an unknown action: write :drop, :mask or :hash']],
    ['a..b', ['"a..b" has an empty name in its path']],
    [':hash', ['":hash" has an empty name in its path']],
    ['features.', ['"features." has an empty name in its path']],
  ])('%s', (rule, mistakes) => {
    expect(redactMistakes([rule])).toEqual(mistakes)
  })

  it('with a hash need a key', () => {
    expect(ruleWithHash(['a', 'b:mask', 'c:hash'])).toBe('c:hash')
    expect(ruleWithHash(['hash', 'b:mask'])).toBeUndefined()
  })
})

it('whatever the value: no throw, the input unchanged, no trace of the secret', () => {
  const secret = 'S3CR3T'
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, withNullPrototype: true, withSparseArray: true }) // prettier-ignore
  fc.assert(
    fc.property(anything, fc.array(fc.constantFrom('a', 'b', 'c')), (value, path) => {
      const given = {
        rest: value,
        at: path.reduceRight<unknown>((below, name) => ({ [name]: below }), { ssn: secret }),
      }
      const before = encode(given)
      const redaction = start('**.ssn:hash')
      const written = encode(redaction.apply('features', given))
      expect(written).not.toContain(secret)
      expect(written).toContain(hmac(secret))
      expect(encode(given)).toBe(before)
      expect(redaction.text(before)).not.toContain(secret)
      expect(encode(redaction.extra({ x: { value: given, reason: before } }))).not.toContain(secret)
    }),
  )
})
