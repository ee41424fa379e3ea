import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRouteMatcher, routeMistake } from '../../src/exchange/routes.ts'

const matchOne = (route: string, method: string, url: string) => createRouteMatcher([route])(method, url) === route

describe('a route without parameters', () => {
  it.each([
    ['/predict', true],
    ['/predict?model=a', true],
    ['/predict?', true],
    ['/predict/', true],
    ['/predict/?x=/y', true],
    ['/%70redict', true],
    ['/predict#top', true],
    ['/predict#top?x', true],
    ['http://host/predict', true],
    ['https://host:8080/predict?x=1', true],
    ['/Predict', false],
    ['/predict/x', false],
    ['/predict//', false],
    ['//predict', false],
    ['/predicts', false],
    ['/', false],
    ['', false],
    ['*', false],
    ['predict', false],
    ['http://host', false],
  ])('POST /predict and %s: %s', (url, expected) => {
    expect(matchOne('POST /predict', 'POST', url)).toBe(expected)
  })

  it('has its own method only', () => {
    expect(matchOne('POST /predict', 'GET', '/predict')).toBe(false)
    expect(matchOne('POST /predict', 'post', '/predict')).toBe(false)
    expect(matchOne('POST /predict', 'constructor', '/predict')).toBe(false)
  })

  it.each([
    ['POST /', '/', true],
    ['POST /', 'http://host', true],
    ['POST /', 'http://host?x', true],
    ['POST /', '/x', false],
    ['POST /a/', '/a', true],
    ['POST /a/', '/a/', true],
    ['POST /caf%C3%A9', '/caf%c3%a9', true],
    ['POST /café', '/caf%C3%A9', true],
    ['POST /a/b', '/a%2Fb', false],
    ['POST /a%2Fb', '/a%2fb', true],
    ['POST /100%', '/100%', true],
    ['POST /v1/models/m:predict', '/v1/models/m:predict', true],
    ['POST /v1/models/m:predict', '/v1/models/m%3Apredict', true],
    ['POST /v1/models/m:predict', '/v1/models/mx', false],
    ['POST /a/%2A', '/a/*', true],
    ['POST /a/%2A', '/a/b', false],
    ['POST /__proto__', '/__proto__', true],
  ])('%s and %s: %s', (route, url, expected) => {
    expect(matchOne(route, 'POST', url)).toBe(expected)
  })
})

describe('a route with parameters', () => {
  it.each([
    ['/v1/models/:name', '/v1/models/iris', true],
    ['/v1/models/:name', '/v1/models/iris/', true],
    ['/v1/models/:name', '/v1/models/iris?x', true],
    ['/v1/models/:name', '/v1/models/m:predict', true],
    ['/v1/models/:name', '/v1/models/a%2Fb', true],
    ['/v1/models/:name', '/v1/models/%ZZ', true],
    ['/v1/models/:name', 'http://host/v1/models/iris', true],
    ['/v1/models/:name', '/v1/models/', false],
    ['/v1/models/:name', '/v1/models', false],
    ['/v1/models/:name', '/v1/models/a/b', false],
    ['/v1/models/:name', '/v1/model/a', false],
    ['/v1/models/:name:predict', '/v1/models/iris:predict', true],
    ['/v1/models/:name:predict', '/v1/models/iris:explain', false],
    ['/v1/models/:name:predict', '/v1/models/:predict', false],
    ['/v1/models/:name:predict', '/v1/models/predict', false],
    ['/v1/models/:name/versions/:version:predict', '/v1/models/a/versions/2:predict', true],
    ['/v1/models/:name/versions/:version:predict', '/v1/models/a/versions/2', false],
    ['/:a/x', '/1/x', true],
    ['/:a/x/', '/1/x', true],
    ['/:a/x', '//x', false],
    ['/v2/*', '/v2/models/m/infer', true],
    ['/v2/*', '/v2/', true],
    ['/v2/*', '/v2', true],
    ['/v2/*', '/v20', false],
    ['/v2/:m/*', '/v2/m/', true],
    ['/v2/:m/*', '/v2/', false],
    ['/*', '/', true],
    ['/*', '/anything/at/all', true],
    ['/*', 'http://host', true],
  ])('%s and %s: %s', (path, url, expected) => {
    expect(matchOne(`POST ${path}`, 'POST', url)).toBe(expected)
  })

  it('comes after those without, and in the order given', () => {
    const match = createRouteMatcher(['POST /v2/*', 'POST /:any/x', 'POST /v2/x', 'GET /v2/*'])
    expect(match('POST', '/v2/x')).toBe('POST /v2/x')
    expect(match('POST', '/v2/x/')).toBe('POST /v2/x')
    expect(match('POST', '/v2/y')).toBe('POST /v2/*')
    expect(match('POST', '/v3/x')).toBe('POST /:any/x')
    expect(match('GET', '/v2/x')).toBe('GET /v2/*')
  })
})

it('never throws, and a route matches its own path', () => {
  const match = createRouteMatcher(['POST /predict', 'POST /v1/:m:predict', 'GET /a/*', 'POST /%'])
  // Node.js gives a request's target as Latin-1.
  const target = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1'))
  const segment = fc.string({
    unit: fc.constantFrom('a', 'é', '😀', '%', '4', '1', 'F', '.', '-', ';', '='),
    maxLength: 6,
  })
  fc.assert(
    fc.property(target, fc.array(segment, { minLength: 1, maxLength: 4 }), (text, segments) => {
      match('POST', text)
      match(text, text)
      const path = `/${segments.join('/')}`
      expect(routeMistake(`POST ${path}`)).toBeUndefined()
      expect(matchOne(`POST ${path}`, 'POST', path)).toBe(true)
      expect(matchOne(`POST ${path}`, 'POST', `http://host${path}?a=/b`)).toBe(true)
    }),
  )
})

describe('a mistake in a route says the right spelling', () => {
  it.each([
    ['/predict', 'has no method: write "POST /predict"'],
    ['post /predict', 'write "POST /predict"'],
    ['PSOT /predict', 'did you mean "POST"?'],
    ['POST predict', 'write "POST /predict"'],
    ['POST /predict?x=1', 'write "POST /predict"'],
    ['POST', 'is not a method, a space and a path'],
    ['POST  /predict', 'is not a method, a space and a path'],
    ['POST /a b', 'is not a method, a space and a path'],
    ['POST /v1/*/predict', 'write :name for one segment'],
    ['POST /v1/m*', 'write :name for one segment'],
    ['POST /v1/:/x', 'has the parameter ":"'],
    ['POST /v1/:model-name', 'has the parameter ":model-name"'],
    ['POST /v1/:name:', 'has the parameter ":name:"'],
  ])('%s', (route, expected) => {
    expect(routeMistake(route)).toContain(expected)
  })

  it.each(['POST /', 'GET /v1/models/m:predict', 'POST /:a/:b:predict', 'PUT /v2/*', 'POST /a//b/'])(
    'none: %s',
    (route) => {
      expect(routeMistake(route)).toBeUndefined()
    },
  )
})
