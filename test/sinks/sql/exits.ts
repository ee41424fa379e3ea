import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Runs a process that writes and never closes its sink: it has to end by itself. */
export const exits = async (module: string, options: object): Promise<void> => {
  const script = fileURLToPath(new URL('./exit.ts', import.meta.url))
  await promisify(execFile)(
    process.execPath,
    ['--experimental-strip-types', '--no-warnings', script, module, JSON.stringify(options)],
    {
      timeout: 20_000,
    },
  )
}
