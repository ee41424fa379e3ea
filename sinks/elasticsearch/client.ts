import { readFile } from 'node:fs/promises'
import type * as official from '@elastic/elasticsearch'
import { messageOf, PredictionsError } from '../../src/errors/errors.ts'
import { requirePeer } from '../../src/peer.ts'
import type { ElasticsearchSinkSettings } from './options.ts'

export const PACKAGE = '@elastic/elasticsearch'

/** One request, as data: what is sent is what `plan` shows. */
export interface Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST'
  readonly path: string
  readonly body?: object
}

const readCa = async (ca: string): Promise<string> => {
  if (ca.includes('-----BEGIN')) return ca
  try {
    return await readFile(ca, 'utf8')
  } catch (error) {
    throw new PredictionsError(
      'PREDICTIONS_SINK_UNAVAILABLE',
      `the file of PREDICTIONS_ELASTICSEARCH_CA can't be read: ${messageOf(error)}`,
    )
  }
}

/**
 * The official client, of version 8 or 9: one for all openings, as it knows which nodes are away. Another one when the
 * authority's file has changed. Delivery retries, so the client doesn't: its retries would multiply ours.
 *
 * A mapping's names come from requests, and `__proto__` is one: the client's protection would refuse the whole answer. Ours
 * reads own members only.
 */
export const createClients = ({ nodes, auth, ca, requestTimeout, compression }: ElasticsearchSinkSettings) => {
  let client: official.Client | undefined
  let trusted: string | undefined

  const close = async (): Promise<void> => {
    const closing = client
    client = undefined
    await closing?.close()
  }

  return {
    async get(): Promise<official.Client> {
      const authority = ca === undefined ? undefined : await readCa(ca)
      if (client && authority === trusted) return client
      await close()
      const { Client } = requirePeer(PACKAGE) as typeof official
      trusted = authority
      client = new Client({
        nodes: [...nodes],
        ...(auth && { auth }),
        ...(authority !== undefined && { tls: { ca: authority } }),
        maxRetries: 0,
        compression,
        requestTimeout,
        disablePrototypePoisoningProtection: true,
      })
      return client
    },
    close,
  }
}

/** As people write requests in Kibana's console. */
export const notation = ({ method, path, body }: Request): string =>
  `${method} ${path}${body === undefined ? '' : `\n${JSON.stringify(body)}`}`

/** Sends a request and resolves with the answer's body; undefined where there is no such thing (404). */
export const send = async (
  { transport }: official.Client,
  request: Request,
  signal?: AbortSignal,
): Promise<unknown> => {
  const answer = await transport.request({ ...request }, { ignore: [404], meta: true, ...(signal && { signal }) })
  return answer.statusCode === 404 ? undefined : answer.body
}
