import { connect } from 'node:net'

/** All bytes that a server sends in answer to a request, until it closes the connection, without what differs by nature. */
export const rawReply = (port: number, path: string, headers = '', body = '{"a":1}'): Promise<string> =>
  rawReplyTo(
    port,
    `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n${headers}` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )

/** The same, of any bytes that are sent. */
export const rawReplyTo = (port: number, ...request: (string | Uint8Array)[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    for (const part of request) socket.write(part)
  })

/** The same without our header and the date. */
export const comparable = (reply: string): string =>
  reply.replace(/^date: .*\r\n/gim, '').replace(/^x-prediction-id: [0-9a-f-]{36}\r\n/gim, '')
