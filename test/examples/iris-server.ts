import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { cleanup, temporaryFolder } from '../setup/captures.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const SETOSA = { sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } }

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The example as `npm start` runs it, in a folder of its own. */
export const startServer = async (framework: string, env: Record<string, string> = {}) => {
  const folder = temporaryFolder()
  const port = await freePort()
  const child = spawn(process.execPath, [join(root, 'examples/iris/start.ts'), framework], {
    cwd: folder,
    env: { ...process.env, PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const exit = once(child, 'exit')
  cleanup(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const url = `http://localhost:${port}`
  await vi.waitFor(() => expect(output).toContain(url), { timeout: 25_000 })
  return {
    url,
    folder,
    output: () => output,
    async stop() {
      child.kill('SIGTERM')
      return (await exit) as [number | null, string | null]
    },
  }
}

export const post = (url: string, body: unknown, path = 'predict', headers: Record<string, string> = {}) =>
  fetch(`${url}/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

/** What the page reports with. */
export const tokenOf = async (url: string): Promise<string> => {
  const { token } = (await (await fetch(`${url}/flowers`)).json()) as { token: string }
  return token
}
export const report = async (url: string, body: unknown) =>
  post(url, body, 'actuals', { authorization: `Bearer ${await tokenOf(url)}` })

/** What the page shows, and asks for twice a second. */
export const rowsOf = async (url: string): Promise<unknown> => (await fetch(`${url}/rows`)).json()
