import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decode } from '../../../src/records/json.ts'
import type { Row } from '../contract.ts'
import { workFolder } from '../../setup/services.ts'

/** Requests of the tests' own: `fetch`, so that the client under test is not what checks it. */
export const talkTo = (url: string) => {
  const request = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok && response.status !== 404) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return decode(text)
  }

  interface Hit {
    readonly _index: string
    readonly _source: Readonly<Record<string, unknown>>
    readonly sort: readonly unknown[]
  }
  interface Found {
    readonly hits?: { readonly hits: readonly Hit[] }
    readonly aggregations?: Readonly<Record<string, unknown>>
  }

  const search = async (alias: string, query: object): Promise<Found> => {
    await request('POST', `/${alias}/_refresh`)
    return (await request('POST', `/${alias}/_search`, query)) as Found
  }

  /** All documents, in the order of their ids. */
  const hits = async (alias: string): Promise<readonly Hit[]> => {
    const all: Hit[] = []
    for (;;) {
      const after = all.at(-1)?.sort
      const query = {
        size: 2000,
        sort: [{ id: 'asc' }],
        track_total_hits: false,
        ...(after && { search_after: after }),
      }
      const found = (await search(alias, query)).hits?.hits ?? []
      all.push(...found)
      if (found.length < 2000) return all
    }
  }

  return {
    request,
    search,
    hits,
    /** Documents as rows: nested features and outputs beside the record's own. */
    rows: async (alias: string): Promise<Row[]> =>
      (await hits(alias)).map(({ _source }) => ({
        ...(_source['features'] as object),
        ...(_source['outputs'] as object),
        ..._source,
      })),
    /** Documents by their ids, as they are before any refresh. */
    sources: async (index: string, ids: readonly string[]) => {
      const { docs } = (await request('POST', `/${index}/_mget`, { ids })) as { docs: Hit[] }
      return docs.map(({ _source }) => _source)
    },
    count: async (alias: string): Promise<number> => {
      await request('POST', `/${alias}/_refresh`)
      return ((await request('GET', `/${alias}/_count`)) as { count?: number }).count ?? 0
    },
    indices: async (alias: string): Promise<string[]> => {
      const found = (await request('GET', `/_resolve/index/${alias}-*`)) as { indices?: { name: string }[] }
      return (found.indices ?? []).map(({ name }) => name).sort()
    },
    drop: async (prefix: string): Promise<void> => {
      const found = (await request('GET', `/_resolve/index/${prefix},${prefix}-*?ignore_unavailable=true`)) as {
        indices?: { name: string }[]
      }
      const names = (found.indices ?? []).map(({ name }) => name)
      if (names.length > 0) await request('DELETE', `/${names.join(',')}`)
      await request('DELETE', `/_index_template/${prefix}`)
    },
  }
}

const folder = fileURLToPath(new URL('../../services/elasticsearch/', import.meta.url))

/** A server of a test's own, on any free port, with settings that make it fail as the test needs. */
export const startServer = async (name: string, settings: string, port = 0, keepData = false) => {
  const work = workFolder(name)
  const env = {
    ...process.env,
    ES_HOME: `${workFolder('elasticsearch')}/home`,
    ES_PORT: String(port),
    ES_SETTINGS: settings,
    ES_KEEP_DATA: keepData ? '1' : '',
  }
  const { stdout } = await promisify(execFile)(`${folder}start.sh`, [work], { env, timeout: 300_000 })
  const url = stdout.trim()
  const stop = async () => void (await promisify(execFile)(`${folder}stop.sh`, [work]))
  return {
    url,
    port: Number(new URL(url).port),
    stop,
    /** Ends the server as a power cut would, and starts it again on its port and its data. */
    async killAndRestart() {
      process.kill(Number(readFileSync(`${work}/es.pid`, 'utf8')), 'SIGKILL')
      await startServer(name, settings, Number(new URL(url).port), true)
    },
  }
}
