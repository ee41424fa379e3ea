import { didYouMean } from './nearest.ts'

/** The schemes of sinks' URLs. */
export const SCHEMES = [
  'postgres',
  'postgresql',
  'mysql',
  'mariadb',
  'sqlite',
  'elasticsearch',
  'elasticsearch+https',
  'kafka',
  'kafkas',
] as const

/** Schemes whose server has a well-known address of its own kind (a socket), so that the URL may leave out the host. */
const MAY_LACK_HOST = new Set(['postgres', 'postgresql', 'mysql', 'mariadb'])

const EXAMPLE = 'postgres://user:password@host/database, or sqlite:FILE'

/** What is wrong with a sink's URL, with the right spelling where it can be told; undefined: nothing. Never quotes user info. */
export const sinkUrlMistake = (url: string): string | undefined => {
  const colon = url.indexOf(':')
  const scheme = url.slice(0, colon)
  // A drive's letter is no scheme.
  if (colon < 2 || !/^[a-z][a-z\d+.-]*$/i.test(scheme)) return `has no scheme: write ${EXAMPLE}`
  if (!(SCHEMES as readonly string[]).includes(scheme)) return `has an unknown scheme${schemeHint(scheme)}`
  const rest = url.slice(colon + 1)
  if (scheme === 'sqlite') return sqliteMistake(rest)
  if (!rest.startsWith('//')) return `lacks "//": write ${scheme}://…`
  return authorityMistake(scheme, rest.slice(2))
}

/** What is wrong with what follows `sqlite:`; undefined: nothing. */
export const sqliteMistake = (rest: string): string | undefined => {
  const path = rest.replace(/^\/\//, '')
  if (path === '') return 'names no file: write sqlite:FILE'
  if (/^(file:)?:memory:/.test(path))
    return 'names no file: what is in memory is gone with the process; write sqlite:FILE, such as sqlite:./predictions.db'
  if (path.startsWith('file:'))
    return `is no file's name: write sqlite:${path.slice('file:'.length).replace(/[?#].*$/s, '')}`
  const [, file, parameters] = /^([^?]*)\?(.*)$/s.exec(path) ?? []
  if (file === undefined) return undefined
  return `has parameters, and there are none for SQLite ("?${parameters}"): write sqlite:${file}`
}

const schemeHint = (scheme: string): string => {
  if (scheme === 'http') return '; did you mean "elasticsearch"?'
  if (scheme === 'https') return '; did you mean "elasticsearch+https"?'
  return didYouMean(scheme, SCHEMES) || `; known are ${SCHEMES.join(', ')}`
}

const authorityMistake = (scheme: string, rest: string): string | undefined => {
  if (/\s/.test(rest)) return 'has a space: write it as %20, and several URLs with a space between them'
  const [authority = ''] = rest.split(/[/?#]/, 1)
  const at = authority.lastIndexOf('@')
  const encode = 'write "/", "?", "#", "@", ":" and "%" in a user or password as %2F, %3F, %23, %40, %3A and %25'
  if (at < 0 && rest.includes('@') && !rest.slice(0, rest.indexOf('@')).includes('?')) return encode
  if (!isDecodable(authority.slice(0, Math.max(at, 0)))) return encode
  const hosts = authority.slice(at + 1).split(',')
  for (const host of hosts) {
    const [, name, port] = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(host) ?? []
    if (name === undefined) return 'has a host that is not a name, an IPv4 address or an IPv6 address in brackets'
    if (name === '' && (hosts.length > 1 || !MAY_LACK_HOST.has(scheme)))
      return `names no host: write ${scheme}://host/…`
    if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535))
      return 'has a port that is not a number from 1 to 65535'
  }
  return undefined
}

const isDecodable = (text: string): boolean => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/**
 * Splits sinks' URLs at the spaces before a scheme, so that a password with a space in it stays in one piece
 * and is reported as such.
 */
export const splitUrls = (text: string): string[] =>
  text
    .trim()
    .split(/\s+(?=[a-z][a-z\d+.-]*:)/i)
    .filter((url) => url !== '')

/** Names of query parameters that hold a secret. */
const SECRET_NAME = /pass|pwd|secret|token|credential|api[-_.]?key/i

const withoutSecretParameters = (text: string): string =>
  text.replace(/([?&])([^=&?\s]*)=([^&\s]*)/g, (whole, mark: string, name: string) =>
    SECRET_NAME.test(name) ? `${mark}${name}=***` : whole,
  )

/**
 * A URL fit for a log: its password is `***`, and so are query parameters such as `sslpassword` and `apikey`. A password may
 * hold any character, encoded or not: everything up to the last `@` counts as the password, rather too much than too little.
 */
export const redactUrl = (url: string): string => {
  const start = url.indexOf('://')
  const at = url.lastIndexOf('@')
  const colon = start < 0 ? -1 : url.indexOf(':', start + 3)
  const open = colon < 0 || colon > at ? url : `${url.slice(0, colon)}:***${url.slice(at)}`
  return withoutSecretParameters(open)
}

/** Any text fit for a log: each URL in it as by `redactUrl`. Takes time linear in the text. */
export const withoutPassword = (text: string): string =>
  text.includes('://') ? text.replace(/\S+/g, (word) => (word.includes('://') ? redactUrl(word) : word)) : text
