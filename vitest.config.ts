import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// Tests start hundreds of processes that load the same modules: Node.js keeps their code, and what is left of TypeScript without its types.
process.env['NODE_COMPILE_CACHE'] ??= at('./node_modules/.cache/node-compile-cache')

export default defineConfig({
  resolve: {
    // Tests import the package by its public names; these lead to the sources.
    alias: [
      { find: /^capture-predictions$/, replacement: at('./src/index.ts') },
      { find: /^capture-predictions\/report$/, replacement: at('./src/report/index.ts') },
      { find: /^capture-predictions\/sinks\/(.*)$/, replacement: at('./sinks/$1.ts') },
      { find: /^capture-predictions\/(express|koa|fastify)$/, replacement: at('./integrations/$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // What is packed is tested by `npm run test:package`: it installs compilers and frameworks of several releases.
    exclude: ['test/package/**'],
    globalSetup: ['test/setup/global.ts'],
    // Files share no table, topic, port or folder. They wait for servers and processes more than they compute.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    setupFiles: ['test/setup/patience.ts'],
    // Java servers that live for a few minutes do not earn back what their optimising compiler costs: half of their CPU.
    env: { JDK_JAVA_OPTIONS: '-XX:TieredStopAtLevel=1' },
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
})
