import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'

/** A certificate for localhost that signs itself, as files. */
export const createCertificate = () => {
  const folder = mkdtempSync(join(tmpdir(), 'predictions-tls-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject],
    {
      stdio: 'ignore',
    },
  )
  return { cert, key, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface TlsProxy {
  readonly port: number
  /** Connections that were encrypted. */
  encrypted(): number
  close(): Promise<void>
}

/** Puts TLS before a server that has none: `start` speaks the server's own way to get there, and gives the plain stream. */
const createTlsProxy = async (
  start: (client: Socket, secure: () => TLSSocket) => void,
  certificate: { cert: string; key: string },
): Promise<TlsProxy> => {
  const sockets = new Set<Socket>()
  let encrypted = 0
  const options = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key), isServer: true }
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => {})
    start(client, () => {
      const socket = new TLSSocket(client, options)
      socket.on('error', () => client.destroy())
      socket.once('secure', () => encrypted++)
      return socket
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    encrypted: () => encrypted,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const upstreamOf = (client: Socket, port: number): Socket => {
  const upstream = connect({ host: '127.0.0.1', port })
  upstream.on('error', () => client.destroy())
  upstream.on('close', () => client.destroy())
  client.on('close', () => upstream.destroy())
  return upstream
}

/** https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL */
export const postgresOverTls = (port: number, certificate: { cert: string; key: string }): Promise<TlsProxy> =>
  createTlsProxy((client, secure) => {
    client.once('data', () => {
      client.write('S')
      const upstream = upstreamOf(client, port)
      const plain = secure()
      plain.pipe(upstream)
      upstream.pipe(plain)
    })
  }, certificate)

const CLIENT_SSL = 0x0800
const HEADER = 4
const SSL_REQUEST = HEADER + 32

/** The packets of a MySQL stream: three bytes of length, one of sequence, and so much. */
const packetsOf = (take: (packet: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  return (data: Buffer) => {
    rest = Buffer.concat([rest, data])
    while (rest.length >= HEADER && rest.length >= HEADER + rest.readUIntLE(0, 3)) {
      const length = HEADER + rest.readUIntLE(0, 3)
      take(Buffer.from(rest.subarray(0, length)))
      rest = rest.subarray(length)
    }
  }
}

/**
 * The server's greeting gets the flag of TLS, and the packets until the end of the login, of which the server sees one less,
 * other numbers. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
 */
export const mysqlOverTls = (port: number, certificate: { cert: string; key: string }): Promise<TlsProxy> =>
  createTlsProxy((client, secure) => {
    const upstream = upstreamOf(client, port)
    let answer = (packet: Buffer): unknown => {
      // After the protocol's number and the version: thread (4), salt (8), a zero, capabilities (2).
      const capabilities = packet.indexOf(0, HEADER + 1) + 1 + 4 + 8 + 1
      packet.writeUInt16LE(packet.readUInt16LE(capabilities) | CLIENT_SSL, capabilities)
      return client.write(packet)
    }
    upstream.on(
      'data',
      packetsOf((packet) => answer(packet)),
    )
    client.once('readable', () => {
      // What comes behind the request for TLS is TLS already.
      client.read(SSL_REQUEST)
      const plain = secure()
      let inLogin = true
      answer = (packet) => {
        if (inLogin) packet[3]! += 1
        return plain.write(packet)
      }
      plain.on(
        'data',
        packetsOf((packet) => {
          if (packet[3] === 0) inLogin = false
          else if (inLogin) {
            if (packet[3] === 2) packet.writeUInt16LE(packet.readUInt16LE(HEADER) & ~CLIENT_SSL, HEADER)
            packet[3]! -= 1
          }
          upstream.write(packet)
        }),
      )
    })
  }, certificate)
