import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { comparable, rawReply } from '../http/raw.ts'
import { freePort } from '../setup/ports.ts'
import { locked, makeProject, pack, run, type Tarball } from './install.ts'
import { nestPackages, writeNestApp } from './nestjs-app.ts'

// Compilers and servers start here, on whatever machine: the time is for those that hang.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const folder = mkdtempSync(join(tmpdir(), 'nestjs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let tarball: Tarball
beforeAll(async () => {
  tarball = await pack(folder)
})

const BODY = JSON.stringify({ sepal: { length: 5.1 } })
const ask = (port: number) => rawReply(port, '/api/v1/predict', '', BODY)

/** Runs a program until it has answered once, then ends it as an orchestrator does. */
const serveOne = async (cwd: string, program: string, settings: NodeJS.ProcessEnv) => {
  const port = await freePort()
  const child = spawn(process.execPath, [program], {
    cwd,
    env: { ...process.env, ...settings, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (data) => (stderr += data))
  const ended = once(child, 'exit')
  try {
    const reply = await vi.waitFor(() => {
      if (child.exitCode !== null) throw new Error(stderr)
      return ask(port)
    })
    child.kill('SIGTERM')
    const [code, signal] = (await ended) as [number | null, string | null]
    return { reply, end: { code, signal } }
  } finally {
    child.kill('SIGKILL')
  }
}

describe.each([
  { release: 11, module: 'commonjs', moduleResolution: 'node10', type: 'commonjs' },
  { release: 12, module: 'nodenext', moduleResolution: 'nodenext', type: 'module' },
] as const)('NestJS $release, as the README has it', ({ release, module, moduleResolution, type }) => {
  const app = join(folder, `nest${release}`)
  beforeAll(async () => {
    const packages = [
      ...nestPackages(release),
      ...['fastify', 'typescript', '@types/express', '@types/node'].map(locked),
    ]
    await makeProject(app, [tarball.path, ...packages], { type })
    writeNestApp(app)
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      ignoreDeprecations: '6.0',
      strict: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      types: ['node'],
      rootDir: '.',
      outDir: 'out',
    }
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['express.ts', 'fastify.ts'] }))
    const { stdout } = await run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: app })
    expect(stdout).toBe('')
  })

  it.each(['express', 'fastify'])('captures on %s, by prefix and version, and its end stores all', async (adapter) => {
    const program = `out/${adapter}.js`
    const database = `${adapter}.db`
    const bare = await serveOne(app, program, { PREDICTIONS_ENABLED: 'false' })
    const captured = await serveOne(app, program, {
      PREDICTIONS_SINK: `sqlite:./${database}`,
      PREDICTIONS_OUTBOX_DIR: `./${adapter}-outbox`,
      // Only the end can have sent it.
      PREDICTIONS_FLUSH_INTERVAL_MS: '3600000',
    })
    expect(comparable(captured.reply)).toBe(comparable(bare.reply))
    expect(captured.reply).toMatch(/^HTTP\/1.1 201 Created\r\n[^]*\{"prediction":5\}/)
    expect([bare.end, captured.end]).toEqual(Array(2).fill({ code: 0, signal: null }))
    const rows = new DatabaseSync(join(app, database)).prepare('select * from predictions').all()
    expect(rows).toHaveLength(1)
    const { id, features, outputs, status } = rows[0] as Record<string, string>
    expect(captured.reply.toLowerCase()).toContain(`x-prediction-id: ${id}`)
    expect({ status, features: JSON.parse(features!), outputs: JSON.parse(outputs!) }).toMatchObject({
      status: 201,
      features: { sepal: { length: 5.1 } },
      outputs: { prediction: 5, confidence: 0.9 },
    })
  })
})
