import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { consumer, moduleKinds } from './consumer.ts'
import { compile, installAlone, installApps, installNode, pack, root, run, runApp, type Tarball } from './install.ts'

const folder = mkdtempSync(join(tmpdir(), 'package-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const app = join(folder, 'app')
const installed = join(app, 'node_modules', 'capture-predictions')
let tarball: Tarball
beforeAll(async () => {
  mkdirSync(app)
  tarball = await pack(folder)
  await installAlone(app, tarball)
})

const script = async (name: string, text: string, env?: NodeJS.ProcessEnv) => {
  writeFileSync(join(app, name), text)
  return run(process.execPath, [name], { cwd: app, ...(env && { env }) })
}

describe('the tarball', () => {
  it('holds what is published, and nothing else', () => {
    const others = tarball.files.filter((file) => !file.startsWith('dist/'))
    expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
    for (const file of tarball.files.filter((file) => file.startsWith('dist/')))
      expect(file).toMatch(/\.(js|cjs|js\.map|d\.ts|d\.cts)$/)
    expect(tarball.unpackedSize).toBeLessThan(5e6)
  })

  it('has every file that the manifest names', () => {
    const named = JSON.stringify(manifest).match(/(?<="\.\/)dist\/[^"]+/g)!
    expect(named.length).toBeGreaterThan(30)
    for (const file of named) expect(tarball.files).toContain(file)
  })

  it('has no file that nothing leads to', () => {
    const texts = tarball.files.filter((file) => /\.(c?js|d\.c?ts)$/.test(file)).map((file) => readInstalled(file))
    for (const chunk of tarball.files.filter((file) => /^dist\/[^/]+\.c?js$/.test(file))) {
      const name = chunk.slice('dist/'.length)
      expect(
        texts.some((text) => text.includes(`/${name}"`) || text.includes(`/${name}'`)),
        name,
      ).toBe(true)
    }
  })

  it('knows nothing of the machine that made it', () => {
    for (const file of tarball.files) {
      const text = readInstalled(file)
      for (const path of [root, homedir() + '/', tmpdir() + '/'])
        expect(text.includes(path), `${path} in ${file}`).toBe(false)
    }
  })
})

const readInstalled = (file: string): string => readFileSync(join(installed, file), 'utf8')

describe('installed alone', () => {
  it('brings no framework and no driver', () => {
    const packages = readdirSync(join(app, 'node_modules'))
    for (const name of ['express', 'koa', 'fastify', 'pg', 'mysql2', '@elastic', '@platformatic', 'better-sqlite3'])
      expect(packages).not.toContain(name)
  })

  it('works with SQLite', async () => {
    const { code, stdout, stderr } = await script(
      'alone.mjs',
      `import { createCapture } from 'capture-predictions'
       const capture = createCapture()
       capture.actual('0199d3a0-0000-7000-8000-000000000000', 2)
       console.log(await capture.flush(), ...Object.keys(capture.stats().sinks))
       await capture.close()`,
    )
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'true sqlite:./predictions.db#predictions sqlite:./predictions.db#predictions_actuals\n',
    })
    expect(stderr).toMatch(/capturing POST \/predict -> sqlite:/)
  })

  it.each([
    ['postgres://me:tellnobody@localhost/test', 'pg'],
    ['mysql://me:tellnobody@localhost/test', 'mysql2'],
    ['elasticsearch://localhost:9200', '@elastic/elasticsearch'],
    ['kafka://localhost:9092/topic', '@platformatic/kafka'],
  ])('says what to install for %s', async (sink, driver) => {
    const text = `try { require('capture-predictions').createCapture() } catch (error) { console.log(error.code, error.message) }`
    const { stdout, stderr } = await script('driver.cjs', text, { PREDICTIONS_SINK: sink })
    expect(stdout).toMatch(new RegExp(`^PREDICTIONS_MISSING_PACKAGE .*npm install ${driver}\\n$`))
    expect(stdout + stderr).not.toContain('tellnobody')
  })

  it('has its command', async () => {
    const command = join(app, 'node_modules', '.bin', 'capture-predictions')
    const help = await run(command, ['--help'], { cwd: app })
    expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: capture-predictions/) })
    const check = await run(command, ['check'], { cwd: app, env: { PREDICTIONS_SINK: 'postgres://localhost/test' } })
    expect(check).toMatchObject({ code: 1, stderr: expect.stringContaining('npm install pg') })
  })
})

describe.each(['18.20.8', '20.19.0', '22.15.0'])('on Node.js %s', (release) => {
  const words = `capture-predictions needs Node.js 22.16 or newer, and this is ${release} `
  let node: string
  beforeAll(async () => {
    node = await installNode(join(folder, `node-${release}`), release)
  })

  const entries = Object.keys(manifest.exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => `capture-predictions${entry.slice(1)}`)
  it.each(entries)('%s says which it needs, in ES modules and CommonJS', async (entry) => {
    const say = `({ code, message }) => console.log(code, message)`
    for (const text of [
      `import('${entry}').catch(${say})`,
      `try { require('${entry}') } catch (error) { (${say})(error) }`,
    ]) {
      const { stdout, stderr } = await run(node, ['-e', text], { cwd: app })
      expect({ stdout, stderr }).toMatchObject({ stdout: expect.stringContaining(`PREDICTIONS_OLD_NODE ${words}`) })
      expect(stdout).toMatch(/install Node.js 24/)
    }
  })

  it('the command says it in one line', async () => {
    const { code, stdout, stderr } = await run(
      node,
      ['node_modules/capture-predictions/dist/src/cli/main.js', 'status'],
      {
        cwd: app,
      },
    )
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.startsWith(words)).toBe(true)
    expect(stderr.trimEnd()).not.toContain('\n')
  })
})

describe('in an app', () => {
  beforeAll(() => installApps(app))

  it('has types that fit, in ES modules and CommonJS', async () => {
    expect(await compile(app)).toBe('')
    expect(existsSync(join(app, 'out', 'app.cjs'))).toBe(true)
  })

  it.each(moduleKinds)('captures from .%s', async (kind) => {
    const { features, outputs, ...row } = (await runApp(process.execPath, app, kind)) as Record<string, string>
    expect(row).toEqual({ model: kind })
    expect(JSON.parse(features!)).toEqual({ sepal: { length: 5.1 } })
    expect(JSON.parse(outputs!)).toMatchObject({ prediction: 1, confidence: 0.9 })
  })

  it.each(['service.cjs', 'service.bundle.mjs'])(
    'captures when esbuild has bundled it, as the README says, into %s',
    async (bundle) => {
      const readme = readFileSync(join(root, 'README.md'), 'utf8')
      const [, command] = /^ {4}npx (esbuild .*)$/m.exec(readme)!
      const [, options] = /`(--format=esm .*?)`/.exec(readme)!
      const [, name, banner] = /^ {4}(--banner:js=)'(.*)'$/m.exec(readme)!
      const args = command!.split(' ').slice(1)
      const isEsm = bundle.endsWith('.mjs')
      const given = isEsm
        ? [...args.filter((arg) => !/^--(format|outfile)/.test(arg)), ...options!.split(' '), name! + banner!]
        : args
      writeFileSync(join(app, 'service.mjs'), consumer('mjs'))
      // Far from any node_modules, but for a driver's that is beside it.
      const alone = join(folder, `bundled-${isEsm}`)
      mkdirSync(alone)
      const build = await run(join(root, 'node_modules/.bin/esbuild'), given, { cwd: app })
      expect(build).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/error/i) })
      copyFileSync(join(app, bundle), join(alone, bundle))
      const { code, stdout, stderr } = await run(process.execPath, [bundle], { cwd: alone })
      expect({ code, stderr }).toMatchObject({ code: 0 })
      expect(JSON.parse(stdout)).toMatchObject({ model: 'mjs' })
      const other = await run(process.execPath, [bundle], { cwd: alone, env: { PREDICTIONS_SINK: 'mysql://h/d' } })
      expect(other.stderr).toContain('npm install mysql2')
    },
  )

  it('is one package, though both its copies are loaded', async () => {
    const { stdout, stderr } = await script(
      'both.mjs',
      `import { createRequire } from 'node:module'
       import * as esm from 'capture-predictions'
       import { capturePredictions as esmMiddleware } from 'capture-predictions/express'
       const require = createRequire(import.meta.url)
       const cjs = require('capture-predictions')
       const { capturePredictions: cjsMiddleware } = require('capture-predictions/express')
       const captures = [esm.createCapture({ logger: esm.silentLogger }), cjs.createCapture({ logger: cjs.silentLogger })]
       const taken = captures.map((capture, i) => [cjsMiddleware, esmMiddleware][i](capture).capture === capture)
       for (const capture of captures) await capture.close()
       let error
       try { cjs.createCapture({ sinc: 'x' }) } catch (thrown) { error = thrown }
       console.log(JSON.stringify({
         copies: esm.createCapture !== cjs.createCapture,
         taken,
         instance: error instanceof esm.PredictionsError,
         code: error.code,
         hasCode: esm.hasCode(error, 'PREDICTIONS_BAD_CONFIGURATION'),
       }))`,
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      copies: true,
      taken: [true, true],
      instance: false,
      code: 'PREDICTIONS_BAD_CONFIGURATION',
      hasCode: true,
    })
  })
})
