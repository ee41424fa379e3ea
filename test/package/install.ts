import { execFile } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { consumer, moduleKinds, tsconfig, type ModuleKind } from './consumer.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Variables of the `npm run` around would lead an npm inside to this repository's folder. */
const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(PREDICTIONS_|npm_config_local_prefix|INIT_CWD)/.test(name)),
  ),
  ...more,
})

/** Runs a program to its end, whatever its exit code. */
export const run = async (
  file: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Outcome> => {
  try {
    return { code: 0, ...(await promisify(execFile)(file, args, { cwd, env: environment(env) })) }
  } catch (error) {
    const { code, stdout = '', stderr = String(error) } = error as Partial<Outcome>
    return { code: typeof code === 'number' ? code : -1, stdout, stderr }
  }
}

const succeed = async (...call: Parameters<typeof run>): Promise<string> => {
  const { code, stdout, stderr } = await run(...call)
  if (code !== 0) throw new Error(`${[call[0], ...call[1]].join(' ')} ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}

const newest = (patterns: string[]) => Math.max(0, ...globSync(patterns, { cwd: root }).map((file) => timeOf(file)))
const timeOf = (file: string) => statSync(root + file).mtimeMs

/** The types are what a build makes last. */
const isBuilt = (): boolean =>
  newest(['dist/src/index.d.ts']) > newest(['src/**/*.ts', 'integrations/*.ts', 'sinks/**/*.ts', 'tsup.config.ts'])

export interface Tarball {
  readonly path: string
  /** What is in it. */
  readonly files: readonly string[]
  readonly unpackedSize: number
}

/** Builds below the repository: source maps lead to their sources by relative paths. */
const buildInto = async (folder: string): Promise<void> => {
  const own = join('node_modules', '.cache', `build-${process.pid}`)
  await succeed('npm', ['run', 'build', '--', '--out-dir', own], { cwd: root })
  cpSync(root + own, folder, { recursive: true })
  rmSync(root + own, { recursive: true })
}

/** The build that is there, or one of its own: tests that run at the same time start processes from `dist`. */
const stage = async (folder: string): Promise<void> => {
  mkdirSync(folder)
  for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) cpSync(root + file, join(folder, file))
  const dist = join(folder, 'dist')
  if (isBuilt()) cpSync(`${root}dist`, dist, { recursive: true })
  else await buildInto(dist)
}

/** Packs the package as it would be published. */
export const pack = async (folder: string): Promise<Tarball> => {
  const staged = join(folder, 'package')
  await stage(staged)
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [packed] = JSON.parse(await succeed('npm', args, { cwd: staged })) as {
    filename: string
    unpackedSize: number
    files: { path: string }[]
  }[]
  const { filename, unpackedSize, files } = packed!
  return { path: join(folder, filename), unpackedSize, files: files.map(({ path }) => path) }
}

/** Packages as the lock file has them: the cache of `npm ci` holds these. */
export const locked = (name: string): string => {
  const { version } = JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8')) as {
    version: string
  }
  return `${name}@${version}`
}

/** A folder with a package of its own, and what is installed there. */
export const makeProject = async (
  folder: string,
  packages: readonly string[],
  manifest: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, ...manifest }))
  await install(folder, packages)
}

/** A compiler of another release. @returns its program */
export const installTypeScript = async (folder: string, release: string): Promise<string> => {
  await makeProject(folder, [`typescript@${release}`])
  return join(folder, 'node_modules/typescript/bin/tsc')
}

const install = async (folder: string, packages: readonly string[]): Promise<void> => {
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--prefix', folder]
  await succeed('npm', ['install', ...flags, ...packages], { cwd: folder })
}

/** What `npm install capture-predictions` gives in an empty folder, and nothing else. */
export const installAlone = async (folder: string, { path }: Tarball): Promise<void> => {
  await makeProject(folder, [path])
}

/** The binary of another release, from the package that `npm i node` takes it from. */
export const installNode = async (folder: string, release: string): Promise<string> => {
  const name = `node-${process.platform}-${process.arch}`
  await makeProject(folder, [`${name}@${release}`])
  return join(folder, 'node_modules', name, 'bin', 'node')
}

/** What the apps need beside it. */
export const installApps = async (folder: string): Promise<void> => {
  await install(folder, ['express', 'typescript', '@types/express', '@types/node'].map(locked))
  for (const kind of moduleKinds) writeFileSync(join(folder, `app.${kind}`), consumer(kind))
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
}

/** Checks the types of the apps' TypeScript, and compiles them. @returns what the compiler says: nothing where all is well */
export const compile = async (folder: string): Promise<string> => {
  const { stdout, stderr } = await run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: folder })
  return stdout + stderr
}

/** Node.js itself strips the types of ES modules; of CommonJS it does not know `import … = require(…)`. */
const fileOf = (kind: ModuleKind): string => (kind === 'cts' ? 'out/app.cjs' : `app.${kind}`)

/** Runs an app. @returns the row that it found */
export const runApp = async (node: string, folder: string, kind: ModuleKind): Promise<unknown> => {
  const stdout = await succeed(node, [fileOf(kind)], { cwd: folder })
  return JSON.parse(stdout) as unknown
}
