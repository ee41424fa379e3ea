import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { entriesSource } from './entries.ts'
import { installTypeScript, locked, makeProject, pack, run } from './install.ts'
import { nestPackages, writeNestApp } from './nestjs-app.ts'

// Compilers start here, on whatever machine: the time is for those that hang.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const folder = mkdtempSync(join(tmpdir(), 'types-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const app = join(folder, 'app')

const strict = {
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  types: ['node'],
  noEmit: true,
}

/** As NestJS' starter had it up to its release 11. */
const node10 = {
  ...strict,
  module: 'commonjs',
  moduleResolution: 'node10',
  esModuleInterop: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
}

beforeAll(async () => {
  const { path } = await pack(folder)
  const frameworks = ['express', 'koa', 'fastify', '@types/express', '@types/koa', '@types/node'].map(locked)
  // The one that @types/koa means: later ones have types of their own, with other names.
  await makeProject(app, [path, ...frameworks, 'content-disposition@1.0.1', ...nestPackages(11)])
  writeNestApp(app)
  for (const [file, isDefault] of [
    ['entries.ts', true],
    ['entries.mts', true],
    ['entries.cts', false],
  ] as const)
    writeFileSync(join(app, file), entriesSource(isDefault))
})

it('takes every entry point', () => {
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'))
  for (const entry of entries) expect(entriesSource(true)).toContain(`from '${entry.replace('.', manifest.name)}'`)
})

it('has a Fastify beside that of NestJS', () => {
  expect(existsSync(join(app, 'node_modules/@nestjs/platform-fastify/node_modules/fastify'))).toBe(true)
})

describe.each(['5.4.5', '5.9.3', '6.0.3'])('with TypeScript %s', (release) => {
  let compiler: string
  beforeAll(async () => {
    compiler = await installTypeScript(join(folder, `typescript-${release}`), release)
  })

  const compile = async (compilerOptions: object, files: readonly string[]): Promise<string> => {
    const config = `tsconfig-${release}.json`
    writeFileSync(join(app, config), JSON.stringify({ compilerOptions, files }))
    const { stdout, stderr } = await run(process.execPath, [compiler, '-p', config], { cwd: app })
    return stdout + stderr
  }

  it('every entry has types, and NestJS on both adapters, by node10 and CommonJS', async () => {
    // It says of each release's last words what comes after it.
    const deprecated = release.startsWith('6') ? { ignoreDeprecations: '6.0' } : {}
    expect(await compile({ ...node10, ...deprecated }, ['entries.ts', 'express.ts', 'fastify.ts'])).toBe('')
  })

  // One program: what one of them has and the other has not is an error all the same, under its own name.
  it('every entry has types by nodenext, in ES modules and in CommonJS', async () => {
    const files = ['entries.mts', 'entries.cts']
    expect(await compile({ ...strict, module: 'nodenext', esModuleInterop: true }, files)).toBe('')
  })
})
