import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/cli/main.ts', 'integrations/*.ts', 'sinks/*.ts'],
  format: ['esm', 'cjs'],
  target: 'node22',
  platform: 'node',
  // Both formats share their chunks: one copy of the core, whichever entry points are loaded.
  splitting: true,
  shims: true,
  // node:sqlite has no other name.
  removeNodeProtocol: false,
  dts: true,
  sourcemap: true,
  // Not cleaned: the tests of several checkouts' processes may run from it while it is rebuilt.
  clean: false,
})
