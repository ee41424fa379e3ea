import { execFile } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { workFolder } from '../../setup/services.ts'

const folder = fileURLToPath(new URL('./', import.meta.url))

export interface MysqlServer {
  readonly url: string
  /** Where it keeps its data, and the certificates that it made for itself. */
  readonly data: string
  readonly socket: string
  /** Ends it as a crash would; its data stays. */
  kill(): Promise<void>
  /** Starts it again on its port and its data. */
  restart(): Promise<void>
  /** Ends it, and removes its data. */
  stop(): Promise<void>
}

/**
 * A MySQL server of a test's own, on any free port: with MySQL's defaults, but for the options.
 * @param options of mysqld, such as `--max-allowed-packet=1M`
 */
export const startMysql = async (name: string, options: readonly string[] = []): Promise<MysqlServer> => {
  const work = `${workFolder(name)}-${process.pid}`
  const unpacked = `${workFolder('mysql')}/root`
  const env = {
    MYSQL_ROOT: existsSync(unpacked) ? unpacked : `${work}/root`,
    ...process.env,
    MYSQL_OPTS: options.join(' '),
  }
  const start = async (port = ''): Promise<string> => {
    const settings = { env: { ...env, MYSQL_PORT: port }, timeout: 300_000 }
    return (await promisify(execFile)(`${folder}start.sh`, [work], settings)).stdout.trim()
  }
  const end = async (...how: string[]) => void (await promisify(execFile)(`${folder}stop.sh`, [work, ...how]))
  const url = await start()
  return {
    url,
    data: `${work}/data`,
    socket: `${work}/mysqld.sock`,
    kill: () => end('--kill'),
    restart: async () => void (await start(new URL(url).port)),
    async stop() {
      await end()
      rmSync(work, { recursive: true, force: true })
    },
  }
}
