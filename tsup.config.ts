import { globSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { defineConfig, type Options } from 'tsup'

const outDir = 'dist'

const removeFrom = (pattern: RegExp, keep: ReadonlySet<string> = new Set()): void => {
  // Nothing is there before the first build.
  for (const path of globSync(`${outDir}/*.*`)) {
    const name = basename(path)
    if (pattern.test(name) && !keep.has(name)) rmSync(path)
  }
}

/**
 * Chunks are named by their content: those of earlier builds would stay for ever, and be packed. They go when the new ones are
 * there; emptying the folder first (`clean`) would take it from under tests that run from it.
 */
const removeStaleChunks: NonNullable<Options['plugins']>[number] = {
  name: 'remove-stale-chunks',
  buildEnd({ writtenFiles }) {
    const written = new Set(writtenFiles.map(({ name }) => basename(name)))
    removeFrom(this.format === 'cjs' ? /^chunk-.*\.cjs(\.map)?$/ : /^chunk-.*\.js(\.map)?$/, written)
  },
}

const shared: Options = {
  outDir,
  target: 'node22',
  platform: 'node',
  shims: true,
  // node:sqlite has no other name.
  removeNodeProtocol: false,
}

const entry = ['src/index.ts', 'integrations/*.ts', 'sinks/*.ts']

/** The entry points share their chunks: one copy of the core a format, whichever of them are loaded. */
const library: Options = { ...shared, entry, splitting: true, plugins: [removeStaleChunks] }

export default defineConfig(({ dts }) => {
  const code: Options[] = [
    { ...library, format: 'esm', sourcemap: true },
    // Its source maps would lead to the ES modules that it is made from, by this machine's paths.
    { ...library, format: 'cjs' },
    { ...shared, entry: { 'src/cli/main': 'src/cli/main.ts' }, format: 'esm', sourcemap: true },
  ]
  if (dts === false) return code
  removeFrom(/\.d\.c?ts$/)
  return [...code, { outDir, entry, format: ['esm', 'cjs'], dts: { only: true } }]
})
