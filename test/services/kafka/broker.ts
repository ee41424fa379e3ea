import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from '../../setup/ports.ts'
import { workFolder } from '../../setup/services.ts'

const run = promisify(execFile)
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export interface BrokerPorts {
  readonly port: number
  readonly controllerPort: number
  /** For another listener, should the settings have one. */
  readonly securePort: number
}

export interface BrokerOptions {
  /** Further lines of server.properties. */
  readonly settings?: (ports: BrokerPorts) => string
  /** Arguments of the storage tool's `format`. */
  readonly formatArgs?: readonly string[]
  /** The broker whose cluster this one joins, as node 2. */
  readonly join?: Broker
}

export interface Broker {
  /** `host:port` without login. */
  readonly brokers: string
  /** `host:port` of the settings' own listener. */
  readonly secureBrokers: string
  readonly folder: string
  /** Starts it again on its data. */
  start(): Promise<void>
  /** `kill -9`. */
  kill(): Promise<void>
  /** Stops its process where it stands: connections stay, answers don't come. */
  freeze(): void
  thaw(): void
  /** Stops it and removes its data. */
  remove(): Promise<void>
}

/** A broker of a test's own, to be broken. Its jars are those that the shared broker fetched. */
export const startBroker = async ({ settings, formatArgs = [], join }: BrokerOptions = {}): Promise<Broker> => {
  const folder = await mkdtemp(`${tmpdir()}/kafka-`)
  const [port, controllerPort, securePort] = (await freePorts(3)) as [number, number, number]
  for (const file of ['classpath.txt', 'classpath.txt.key'])
    // Not there when the shared broker was started elsewhere: the script then fetches.
    await copyFile(`${workFolder('kafka')}/${file}`, `${folder}/${file}`).catch(() => undefined)

  const env = {
    ...process.env,
    KAFKA_PORT: String(port),
    KAFKA_CONTROLLER_PORT: String(controllerPort),
    KAFKA_HEAP: '256m',
    // It lives for seconds: the quick compiler only.
    JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1',
    KAFKA_SETTINGS: settings?.({ port, controllerPort, securePort }) ?? '',
    KAFKA_FORMAT_ARGS: formatArgs.join('\n'),
    ...(join && { KAFKA_JOIN: join.folder, KAFKA_NODE_ID: '2' }),
  }
  const start = async () => {
    await run(script('start.sh'), [folder], { env, timeout: 120_000 })
  }
  const stop = (...args: string[]) => run(script('stop.sh'), [folder, ...args])
  const signal = (name: NodeJS.Signals) => process.kill(Number(readFileSync(`${folder}/kafka.pid`, 'utf8')), name)
  await start()
  return {
    brokers: `127.0.0.1:${port}`,
    secureBrokers: `127.0.0.1:${securePort}`,
    folder,
    start,
    async kill() {
      await stop('--kill')
    },
    freeze: () => void signal('SIGSTOP'),
    thaw: () => void signal('SIGCONT'),
    async remove() {
      await stop('--kill')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
