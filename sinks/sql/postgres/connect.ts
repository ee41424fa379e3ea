import type { Client } from 'pg'
import { addressOf } from '../address.ts'
import { questions, readUrl, POSTGRES_SCHEMES } from './url.ts'

/** @throws where the server is not what the URL asks for */
const expectAttributes = async (client: Client, url: string, server: string): Promise<void> => {
  const { attributes } = readUrl(url)
  if (attributes === 'any') return
  const { rows } = await client.query<{ fits: boolean }>(questions[attributes])
  if (!rows[0]?.fits)
    throw new Error(`${addressOf(server, POSTGRES_SCHEMES)} is not ${attributes}, as target_session_attrs asks`)
}

/** A connection to the first of a URL's hosts that gives one and is what is asked for; else what the last of them said. */
export const connectFirst = async (url: string, connect: (server: string) => Promise<Client>): Promise<Client> => {
  let failure: unknown
  for (const server of readUrl(url).urls) {
    let client: Client | undefined
    try {
      client = await connect(server)
      await expectAttributes(client, url, server)
      return client
    } catch (error) {
      failure = error
      await client?.end().catch(() => {})
    }
  }
  throw failure
}
