/**
 * All benchmarks, one after the other: npm run bench [name …]
 * Each gives ratios within its own run: absolute figures of one machine say little about another.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const all = [
  'request',
  'mechanisms',
  'http',
  'sustained',
  'sinks',
  'outbox',
  'formats',
  'blocking',
  'streams',
  'schema',
  'elasticsearch',
  'kafka',
  'actuals',
  'report',
  'labelled',
]
const named = process.argv.slice(2)
const unknown = named.filter((name) => !all.includes(name))
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}: choose of ${all.join(', ')}`)
  process.exit(1)
}

console.log(`Node.js ${process.version}, ${availableParallelism()} cores`)
let failed = 0
for (const name of named.length > 0 ? named : all) {
  console.log(`\n=== ${name}`)
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))], {
    stdio: 'inherit',
  })
  if (status !== 0) failed++
}
process.exitCode = failed > 0 ? 1 : 0
