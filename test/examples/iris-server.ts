import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanup } from '../setup/captures.ts'
import type { Defer } from '../setup/scope.ts'
import { startProgram } from './program.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const SETOSA = { sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } }

/** The example as `npm start` runs it, in a folder of its own. */
export const startServer = (framework: string, env: Record<string, string> = {}, defer: Defer = cleanup) =>
  startProgram([join(root, 'examples/iris/start.ts'), framework], env, defer)

export const post = (url: string, body: unknown, path = 'predict', headers: Record<string, string> = {}) =>
  fetch(`${url}/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

/** What the page reports with. */
const tokenOf = async (url: string): Promise<string> => {
  const { token } = (await (await fetch(`${url}/flowers`)).json()) as { token: string }
  return token
}
export const report = async (url: string, body: unknown) =>
  post(url, body, 'actuals', { authorization: `Bearer ${await tokenOf(url)}` })

/** What the page shows, and asks for twice a second. */
export const rowsOf = async (url: string): Promise<unknown> => (await fetch(`${url}/rows`)).json()
