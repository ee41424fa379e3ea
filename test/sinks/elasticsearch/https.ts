import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A private authority, and a certificate of its own for 127.0.0.1, made now. */
export const makeCertificates = () => {
  const folder = mkdtempSync(join(tmpdir(), 'elasticsearch-ca-'))
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.pem')
  openssl('req', ...key, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr')
  writeFileSync(file('san'), 'subjectAltName=IP:127.0.0.1,DNS:localhost')
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san']
  openssl('x509', '-req', '-in', 'server.csr', ...sign, '-out', 'server.pem')
  return {
    caFile: file('ca.pem'),
    ca: readFileSync(file('ca.pem'), 'utf8'),
    key: readFileSync(file('server.key')),
    cert: readFileSync(file('server.pem')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What Elasticsearch answers to a wrong login. */
const unauthorised = JSON.stringify({
  error: { type: 'security_exception', reason: 'unable to authenticate user for REST request' },
  status: 401,
})

/**
 * An HTTPS server before an Elasticsearch without security: it takes the given `Authorization` only, as one with security does,
 * and counts what it let through.
 */
export const createHttpsProxy = async (
  target: string,
  { key, cert }: { key: Buffer; cert: Buffer },
  isAllowed: (authorization: string | undefined, request: IncomingMessage) => 200 | 401 | 403,
) => {
  const server = createServer({ key, cert }, (request, response) => {
    const status = isAllowed(request.headers.authorization, request)
    if (status !== 200) {
      request.resume()
      const headers = { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' }
      const text =
        status === 401
          ? unauthorised
          : unauthorised.replace('unable to authenticate user', 'action is unauthorized').replace('401', '403')
      response.writeHead(status, headers).end(text)
      return
    }
    const { hostname, port } = new URL(target)
    const headers = { ...request.headers }
    delete headers.authorization
    const { method, url: path } = request
    const forward = httpRequest({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    forward.on('error', () => response.destroy())
    request.pipe(forward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
