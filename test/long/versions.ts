import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { moduleKinds } from '../package/consumer.ts'
import { compile, installAlone, installApps, pack, run, runApp } from '../package/install.ts'

/**
 * The installed package on every Node.js that it is promised for: `node test/long/versions.ts [22 24 26]`.
 * Each comes from the npm package `node`.
 */
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['22.16.0', '22', '24', '26']

/** The executable of a version. */
const nodeOf = async (version: string, cwd: string): Promise<string> => {
  const { stdout, stderr, code } = await run('npx', ['-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath'], {
    cwd,
  })
  if (code !== 0) throw new Error(`there is no Node.js ${version}: ${stderr}`)
  return stdout.trim()
}

const work = mkdtempSync(join(tmpdir(), 'versions-'))
const folder = join(work, 'app')
try {
  const tarball = await pack(work)
  mkdirSync(folder)
  await installAlone(folder, tarball)
  await installApps(folder)
  const mistakes = await compile(folder)
  if (mistakes !== '') throw new Error(mistakes)
  for (const version of versions) {
    const node = await nodeOf(version, folder)
    const { stdout } = await run(node, ['-p', 'process.version'], { cwd: folder })
    for (const kind of moduleKinds) {
      // Node.js strips types by itself since 22.18.
      if (kind === 'mts' && version === '22.16.0') continue
      console.log(stdout.trim(), kind, JSON.stringify(await runApp(node, folder, kind)))
    }
    const main = join('node_modules', 'capture-predictions', 'dist', 'src', 'cli', 'main.js')
    const check = await run(node, [main, 'check'], { cwd: folder })
    console.log(stdout.trim(), 'check', check.code === 0 ? 'ok' : check.stdout + check.stderr)
    if (check.code !== 0) process.exitCode = 1
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
