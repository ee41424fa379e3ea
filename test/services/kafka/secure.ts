import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import type { BrokerOptions } from './broker.ts'

/** Logins that a secure broker knows. `nobody` may do nothing. */
export const logins = {
  writer: { username: 'writer', password: 'p@ss:word/1' },
  nobody: { username: 'nobody', password: 'nobody-secret' },
  scrammer: { username: 'scrammer', password: 'scram-secret' },
} as const

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] })

/** A private authority and a server's certificate for 127.0.0.1, in a folder. */
const makeCertificates = (folder: string) => {
  const at = (name: string) => `${folder}/${name}`
  const key = ['-newkey', 'rsa:2048', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=Test CA')
  openssl('req', ...key, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=127.0.0.1')
  writeFileSync(at('san.cnf'), 'subjectAltName=IP:127.0.0.1')
  const sign = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('san.cnf')]
  openssl('x509', '-req', '-in', at('server.csr'), '-out', at('server.pem'), ...sign)
  writeFileSync(at('keystore.pem'), readFileSync(at('server.key'), 'utf8') + readFileSync(at('server.pem'), 'utf8'))
  return { ca: at('ca.pem'), keystore: at('keystore.pem') }
}

/** Settings of a broker with one more listener: TLS by a private authority, PLAIN and SCRAM logins, permissions by ACL. `ca` is the authority's file. */
export const secureSettings = (folder: string): BrokerOptions & { readonly ca: string } => {
  const { ca, keystore } = makeCertificates(folder)
  const { writer, nobody, scrammer } = logins
  const plain = [writer, nobody].map(({ username, password }) => `user_${username}="${password}"`).join(' ')
  const module = 'org.apache.kafka.common.security'
  return {
    ca,
    formatArgs: ['--add-scram', `SCRAM-SHA-512=[name=${scrammer.username},password=${scrammer.password}]`],
    settings: ({ port, controllerPort, securePort }) => `
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},SASL_SSL://127.0.0.1:${securePort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},SASL_SSL://127.0.0.1:${securePort}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location=${keystore}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required ${plain};
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${module}.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
`,
  }
}
