import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/**
 * The servers that tests talk to. Each is looked for in this order: the variable; the usual local port with the usual test
 * credentials; the start script. Else tests that need it are skipped with one loud line, and with CI=true fail.
 */
const services = {
  postgres: {
    variable: 'TEST_POSTGRES_URL',
    usual: 'postgres://postgres@127.0.0.1:5432/test',
    port: 5432,
    start: 'postgres',
    settings: { PG_VERSION: '15' },
  },
  /** The newest release beside the one that the machine has. */
  postgres18: { variable: 'TEST_POSTGRES18_URL', usual: undefined, port: undefined, start: 'postgres', settings: {} },
  /** Never stands for MySQL: they differ in reserved words, locks, TLS, errors. */
  mariadb: {
    variable: 'TEST_MARIADB_URL',
    usual: 'mysql://root@127.0.0.1:3306/test',
    port: 3306,
    start: 'mariadb',
    settings: {},
  },
  mysql: {
    variable: 'TEST_MYSQL_URL',
    usual: undefined,
    port: undefined,
    start: 'mysql',
    settings: { MYSQL_OPTS: '--local-infile=ON' },
  },
  elasticsearch: {
    variable: 'TEST_ELASTICSEARCH_URL',
    usual: 'http://127.0.0.1:9200',
    port: 9200,
    start: 'elasticsearch',
    settings: {},
  },
  kafka: { variable: 'TEST_KAFKA_BROKERS', usual: '127.0.0.1:9092', port: 9092, start: 'kafka', settings: {} },
} as const

export type ServiceName = keyof typeof services

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Where a started service keeps its files; git-ignored. */
export const workFolder = (name: string): string => `${root}.services/${name}`

/** Whether something accepts connections on a local port. */
export const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
    socket.setTimeout(2000, () => end(false))
  })

const find = async (name: ServiceName): Promise<string | undefined> => {
  const { variable, usual, port, start, settings } = services[name]
  const given = process.env[variable]
  if (given) return given
  if (port !== undefined && (await listens(port))) return usual
  try {
    const script = `${root}test/services/${start}/start.sh`
    const env = { ...process.env, ...settings }
    const { stdout } = await promisify(execFile)(script, [workFolder(name)], { timeout: 600_000, env })
    return stdout.trim()
  } catch (error) {
    process.stderr.write(`\n*** ${name} could not be started: ${(error as Error).message}\n`)
    return undefined
  }
}

const found = new Map<ServiceName, Promise<string | undefined>>()

/**
 * The URL of a service, or undefined where it is not to be had: `describe.skipIf(!url)`.
 * @example const url = await service('postgres')
 */
export const service = (name: ServiceName): Promise<string | undefined> => {
  let url = found.get(name)
  if (!url) {
    url = find(name).then((answer) => {
      if (answer !== undefined) return answer
      const { variable, port } = services[name]
      const say = `${name} is not there: set ${variable}${port === undefined ? '' : `, or start one on port ${port}`}`
      if (process.env['CI']) throw new Error(say)
      process.stderr.write(`\n*** SKIPPED: ${say}\n`)
      return undefined
    })
    found.set(name, url)
  }
  return url
}
