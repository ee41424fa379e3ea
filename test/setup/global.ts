import { execFileSync } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { workFolder } from './services.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const newest = (patterns: string[]) =>
  Math.max(0, ...globSync(patterns, { cwd: root }).map((file) => statSync(root + file).mtimeMs))

/** Builds what child processes of the tests import by the package's public names, unless it is newer than its sources. */
const build = () => {
  const sources = newest(['src/**/*.ts', 'integrations/*.ts', 'sinks/**/*.ts', 'tsup.config.ts'])
  if (newest(['dist/src/index.js']) > sources) return
  try {
    execFileSync('npm', ['run', '--silent', 'build:js'], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    if (process.env['CI']) throw error
    // A part of the sources is being written: tests of the others can still run.
    process.stderr.write('\n*** THE BUILD FAILED: tests that start processes use the last one\n')
  }
}

/** Services that a script may have started, and the folder of its scripts. */
const started = [
  ['elasticsearch', 'elasticsearch'],
  ['kafka', 'kafka'],
  ['mariadb', 'mariadb'],
  ['mysql', 'mysql'],
  ['postgres', 'postgres'],
  ['postgres18', 'postgres'],
] as const

/** Servers that tests start stay up between local runs, as they take seconds to start; CI leaves nothing behind. */
const stopServices = () => {
  if (!process.env['CI']) return
  for (const [name, script] of started) {
    if (!existsSync(workFolder(name))) continue
    execFileSync(`${root}test/services/${script}/stop.sh`, [workFolder(name)], { stdio: 'inherit' })
  }
}

export default () => {
  build()
  return stopServices
}
