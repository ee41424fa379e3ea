import { execFileSync, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Runs the long tests one after the other, and says one line of each at the end. They need the servers that `npm test` needs.
 *
 * @example npm run test:long [-- NAME …]
 */
const folder = fileURLToPath(new URL('./', import.meta.url))
const wanted = process.argv.slice(2)
const names = globSync('*.ts', { cwd: folder })
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'run' && (wanted.length === 0 || wanted.includes(name)))
  .sort()

// Processes that the tests start import the package by its public names.
execFileSync('npm', ['run', '--silent', 'build:js'], { stdio: ['ignore', 'ignore', 'inherit'] })

const summary = names.map((name) => {
  console.log(`\n${name}`)
  const start = performance.now()
  const { status } = spawnSync(process.execPath, [`${folder}${name}.ts`], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
  const seconds = Math.round((performance.now() - start) / 1000)
  return `${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`
})
console.log(`\n${summary.join('\n')}`)
