import type { Client, Connection, Submittable } from 'pg'
import { inSlices } from '../slices.ts'

/** What pg's connection has beside its types: the messages of COPY. */
interface CopyConnection {
  readonly stream: NodeJS.WritableStream & { readonly writableNeedDrain: boolean }
  query(sql: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

/** About as much as a socket takes at once. */
const CHUNK_CHARACTERS = 65_536

const drained = (stream: NodeJS.WritableStream): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      stream.off('drain', end).off('close', end)
      resolve()
    }
    stream.on('drain', end).on('close', end)
  })

/**
 * `COPY … FROM STDIN` in pg's own terms: a query of which pg passes on the server's messages.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 *
 * @param lineOf an item's line of the text format, with its end
 */
export const copyFrom = <Item>(
  client: Client,
  sql: string,
  items: readonly Item[],
  lineOf: (item: Item) => string,
): Promise<void> =>
  new Promise((resolve, reject) => {
    let ended = false
    let failure: unknown

    const feed = async (connection: CopyConnection): Promise<void> => {
      let text = ''
      const send = async (): Promise<void> => {
        // After an error the server is no longer listening.
        if (ended || text === '') return
        connection.sendCopyFromChunk(Buffer.from(text))
        text = ''
        if (connection.stream.writableNeedDrain) await drained(connection.stream)
      }
      await inSlices(
        items,
        (item) => {
          if (ended) return
          text += lineOf(item)
          if (text.length < CHUNK_CHARACTERS) return
          connection.sendCopyFromChunk(Buffer.from(text))
          text = ''
        },
        send,
      )
      if (!ended) connection.endCopyFrom()
    }

    const query = {
      submit: (connection: CopyConnection) => connection.query(sql),
      handleCopyInResponse(connection: CopyConnection) {
        feed(connection).catch((error: Error) => {
          failure = error
          connection.sendCopyFail(error.message)
        })
      },
      handleError(error: unknown) {
        ended = true
        reject((failure ?? error) as Error)
      },
      handleCommandComplete() {
        ended = true
      },
      handleReadyForQuery: () => resolve(),
      handleEmptyQuery() {},
      handleRowDescription() {},
      handleDataRow() {},
      handlePortalSuspended() {},
      handleCopyData() {},
    }
    client.query(query as unknown as Submittable & { submit(connection: Connection): void })
  })
