import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { freePort } from '../setup/ports.ts'

/**
 * Starts a server program in a folder of its own, at a port of its own (`PORT`); resolves when it says its URL.
 * @param defer takes what ends it, by SIGKILL, and removes the folder
 */
export const startProgram = async (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  defer: (stop: () => Promise<void>) => void,
) => {
  const folder = mkdtempSync(join(tmpdir(), 'capture-example-'))
  const port = await freePort()
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit')
  defer(async () => {
    child.kill('SIGKILL')
    await exit
    rmSync(folder, { recursive: true, force: true })
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const url = `http://localhost:${port}`
  await vi.waitFor(() => expect(output).toContain(url), { timeout: 25_000 })
  return {
    url,
    port,
    folder,
    pid: child.pid!,
    output: () => output,
    /** Ends it as an orchestrator does. @returns its exit code, or the signal that ended it */
    async stop() {
      child.kill('SIGTERM')
      return (await exit) as [number | null, string | null]
    },
  }
}
