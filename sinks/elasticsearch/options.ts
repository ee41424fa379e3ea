import { PredictionsError } from '../../src/errors/errors.ts'

export interface ElasticsearchOptions {
  /**
   * `elasticsearch://user:password@host:9200/prefix`, or `elasticsearch+https://…` for TLS (`http://` and `https://` mean the
   * same). Several nodes are separated by commas: `elasticsearch://one:9200,two:9200/prefix`. The port is 9200 where there is
   * none; user and password are percent-decoded.
   */
  readonly url: string
  /** What the index template, its alias and the indices are called. Default: the URL's path, else `table`, else `predictions`. */
  readonly prefix?: string | undefined
  /** The prefix where neither `prefix` nor the URL gives one, in lower case. Default: `predictions`. */
  readonly table?: string | undefined
  /**
   * One index a month (`predictions-2026.11`), a day (`predictions-2026.11.23`), or one for all (`predictions-all`), by the
   * record's timestamp in UTC.
   * @default 'month'
   */
  readonly indexBy?: IndexBy | undefined
  /** An API key, encoded as Elasticsearch gives it. Instead of a user in the URL. Default: none. */
  readonly apiKey?: string | undefined
  /** The authority that signed the servers' certificates: a PEM file's path, or the PEM text. Default: those that Node.js trusts. */
  readonly ca?: string | undefined
  /**
   * After how many milliseconds a request counts as failed.
   * @default 30000
   */
  readonly requestTimeout?: number | undefined
  /**
   * Whether requests are compressed, by gzip.
   * @default true
   */
  readonly compression?: boolean | undefined
  /**
   * `auto` creates the index template and adds missing fields; `off` checks only.
   * @default 'auto'
   */
  readonly migrate?: 'auto' | 'off' | undefined
}

export type IndexBy = 'month' | 'day' | 'none'

/** What the options say, checked. */
export interface ElasticsearchSinkSettings {
  /** The nodes' URLs, without user info. */
  readonly nodes: readonly string[]
  /** What the sink is called: its URL without user info. */
  readonly address: string
  readonly prefix: string
  readonly indexBy: IndexBy
  readonly auth: { username: string; password: string } | { apiKey: string } | undefined
  readonly ca: string | undefined
  readonly requestTimeout: number
  readonly compression: boolean
  readonly migrate: 'auto' | 'off'
}

const DEFAULT_PORT = 9200

const schemes: Readonly<Record<string, 'http' | 'https'>> = {
  elasticsearch: 'http',
  'elasticsearch+https': 'https',
  http: 'http',
  https: 'https',
}

/** scheme, user info, hosts, path. `new URL` takes one host only. */
const ADDRESS = /^([a-z+]+):\/\/(?:([^/?#]*)@)?([^/?#@]+)(?:\/([^?#]*))?$/i

const HOST = /^(\[[\da-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i

/** What an index's name may be (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create), and no dot first: such are hidden. */
const PREFIX = /^[^-_+.\s\\/*?"<>|,#:A-Z][^\s\\/*?"<>|,#:A-Z]{0,199}$/

const percentDecoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const readNode = (protocol: string, host: string): string | undefined => {
  const [, name, port = String(DEFAULT_PORT)] = HOST.exec(host) ?? []
  const url = `${protocol}://${name}:${port}`
  return name !== undefined && URL.canParse(url) ? url : undefined
}

/**
 * Checks the options.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION` that lists every mistake, and never the URL's user info
 */
export const readOptions = (options: ElasticsearchOptions): ElasticsearchSinkSettings => {
  const {
    apiKey,
    ca,
    compression = true,
    indexBy = 'month',
    migrate = 'auto',
    requestTimeout = 30_000,
    table = 'predictions',
  } = options
  const mistakes: string[] = []
  const [, scheme = '', userInfo, hosts = '', path] = ADDRESS.exec(options.url) ?? []
  const protocol = schemes[scheme.toLowerCase()]
  if (protocol === undefined) mistakes.push('url: must be elasticsearch://host:9200/prefix or elasticsearch+https://…')
  const nodes = hosts.split(',').map((host) => readNode(protocol ?? 'http', host))
  if (protocol !== undefined && nodes.includes(undefined))
    mistakes.push('url: has a host that is not "name" or "name:port"')

  const [username, password] = (userInfo?.replace(/^[^:]*$/, '$&:').split(/:(.*)/s, 2) ?? []).map(percentDecoded)
  if (userInfo !== undefined && (username === undefined || password === undefined))
    mistakes.push('url: user and password must be percent-encoded')
  if (userInfo !== undefined && apiKey !== undefined)
    mistakes.push('apiKey: the URL has a user as well, give one of them')

  const prefix = options.prefix ?? (path ? percentDecoded(path.replace(/\/$/, '')) : table.toLowerCase()) ?? ''
  if (!PREFIX.test(prefix))
    mistakes.push(
      `prefix: ${JSON.stringify(prefix)} can't be an index's name: lower case, without spaces and \\ / * ? " < > | , # :`,
    )
  if (!['month', 'day', 'none'].includes(indexBy)) mistakes.push('indexBy: must be month, day or none')
  if (!['auto', 'off'].includes(migrate)) mistakes.push('migrate: must be auto or off')
  if (!(requestTimeout >= 1)) mistakes.push('requestTimeout: must be a number of milliseconds')
  if (mistakes.length > 0)
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      `Elasticsearch sink:\n${mistakes.map((line) => `  ${line}`).join('\n')}`,
    )

  const login = username === undefined || password === undefined ? undefined : { username, password }
  return {
    nodes: nodes as string[],
    address: `${scheme.toLowerCase()}://${hosts}/${prefix}`,
    prefix,
    indexBy,
    auth: apiKey === undefined ? login : { apiKey },
    ca,
    requestTimeout,
    compression,
    migrate,
  }
}
