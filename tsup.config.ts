import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { defineConfig, type Options } from 'tsup'

const removeFrom = (folder: string, pattern: RegExp, keep: ReadonlySet<string> = new Set()): void => {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) if (pattern.test(name) && !keep.has(name)) rmSync(join(folder, name))
}

/**
 * Chunks are named by their content (`chunk-…`, `run-…`): those of earlier builds would stay for ever, and be packed. They go when the new ones are
 * there; emptying the folder first (`clean`) would take it from under tests that run from it.
 */
const removeStaleChunks: NonNullable<Options['plugins']>[number] = {
  name: 'remove-stale-chunks',
  buildEnd({ writtenFiles }) {
    const written = new Set(writtenFiles.map(({ name }) => basename(name)))
    removeFrom(this.options.outDir, this.format === 'cjs' ? /-[A-Z\d]{8}\.cjs$/ : /-[A-Z\d]{8}\.js(\.map)?$/, written)
  },
}

const shared: Options = {
  target: 'node22',
  platform: 'node',
  shims: true,
  // node:sqlite has no other name.
  removeNodeProtocol: false,
}

const entry = ['src/index.ts', 'src/report/index.ts', 'integrations/*.ts', 'sinks/*.ts']

/** What is started by its path: the command, and the thread that reads SQLite files for reports. */
const started = ['src/cli/main.ts', 'sinks/sql/sqlite/report-worker.ts']

/** The entry points share their chunks: one copy of the core a format, whichever of them are loaded. */
const library: Options = { ...shared, entry, splitting: true, plugins: [removeStaleChunks] }

export default defineConfig(({ dts, outDir = 'dist' }) => {
  const code: Options[] = [
    { ...library, entry: [...entry, ...started], format: 'esm', sourcemap: true },
    // Its source maps would lead to the ES modules that it is made from, by absolute paths.
    { ...library, format: 'cjs' },
  ]
  if (dts === false) return code
  removeFrom(outDir, /\.d\.c?ts$/)
  return [...code, { entry, format: ['esm', 'cjs'], dts: { only: true } }]
})
