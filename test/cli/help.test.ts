import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { table } from '../../src/config/table.ts'
import { runHere, workplace } from './support.ts'

const commands = ['status', 'actuals', 'dead-letters', 'drain', 'check', 'ddl', 'consume']

it('shows what there is', async () => {
  for (const args of [[], ['--help'], ['help'], ['-h']]) {
    const { code, stdout } = await runHere(args)
    expect(code).toBe(0)
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
  }
})

it('says which version it is, of the sources and of the build', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  expect(await runHere(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  const { cli } = workplace('sqlite:predictions.db')
  expect(await cli(['-v'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

it.each(commands)('explains %s', async (command) => {
  const { code, stdout, stderr } = await runHere([command, '--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(new RegExp(`^Usage: capture-predictions ${command}`))
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(140)
  expect(await runHere(['help', command])).toMatchObject({ code: 0, stdout })
})

it('lists all variables', async () => {
  const { stdout } = await runHere(['help', 'variables'])
  for (const { variable } of Object.values(table)) if (variable) expect(stdout).toContain(`${variable}\n`)
  expect(stdout).toContain('Default: sqlite:./predictions.db\n')
  expect(stdout).toContain('Default: 1 GiB\n')
})

it('names what was probably meant', async () => {
  expect(await runHere(['statsu'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/there is no command "statsu"; did you mean "status"\?[^]*Usage:/),
  })
  expect(await runHere(['toString'])).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no command') })
  expect(await runHere(['status', '--jsno'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/did you mean "--json"\?\nUsage: capture-predictions status/),
  })
})

it.each(
  [
    ['status', 'now'],
    ['drain', '--timeout', 'soon'],
    ['drain', '--timeout'],
    ['dead-letters'],
    ['dead-letters', 'burn'],
    ['dead-letters', 'constructor'],
    ['dead-letters', 'show'],
    ['dead-letters', 'discard'],
    ['dead-letters', 'retry', '--of', 'sqlite'],
    ['consume'],
  ].map((args) => args.join(' ')),
)('is called wrongly: %s', async (line) => {
  const { code, stdout, stderr } = await runHere(line.split(' '))
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^capture-predictions: /)
  expect(stderr).not.toMatch(/^ +at /m)
})

it('gives the process its exit code, and survives a reader that goes away', async () => {
  const { cli, spawnCli } = workplace('sqlite:predictions.db')
  expect(await cli(['statsu'])).toMatchObject({ code: 2, stdout: '' })
  const { child, outcome } = spawnCli(['help', 'variables'])
  child.stdout!.destroy()
  expect(await outcome).toMatchObject({ code: 0, stderr: '' })
})
