import { execFile } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { measure } from '../../examples/iris/simulation.ts'
import { createRandom, normal } from '../../examples/iris/random.ts'
import { inScope } from '../setup/scope.ts'
import { root, SETOSA, startServer } from './iris-server.ts'

const run = promisify(execFile)
const simulate = (...args: string[]) => run(process.execPath, [join(root, 'examples/iris/simulate.ts'), ...args])

interface Row {
  readonly timestamp: string
  readonly prediction: number
  readonly actual: number | null
  readonly actual_timestamp: string | null
  readonly actual_count: number
  readonly actual_source: string | null
  readonly sepal_width: number
}

const rowsIn = (folder: string): Row[] => {
  const database = new DatabaseSync(join(folder, 'predictions.db'), { readOnly: true })
  try {
    return database.prepare('SELECT * FROM predictions_labelled ORDER BY id').all() as unknown as Row[]
  } finally {
    database.close()
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const deviation = (values: readonly number[]) => {
  const middle = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
}

describe.concurrent('npm run simulate', () => {
  it.each(['fastify', 'express', 'koa'])('sends flowers that drift, and later what they were (%s)', (framework) =>
    inScope(async (defer) => {
      const server = await startServer(framework, {}, defer)
      const { stdout } = await simulate('--url', server.url, '--seconds', '4', '--count', '120', '--late', '1')
      expect(await server.stop()).toEqual([0, null])
      const counts = /^(\d+) flowers sent \(0 failed\), (\d+) actuals reported$/m.exec(stdout)
      const [sent, reported] = counts!.slice(1).map(Number) as [number, number]
      // A machine with much to do sends fewer in the time.
      expect(sent).toBeGreaterThan(90)

      const rows = rowsIn(server.folder)
      const known = rows.filter(({ actual }) => actual !== null)
      expect([rows.length, known.length]).toEqual([sent, reported])
      expect(known.length).toBeGreaterThan(60)
      expect(known.length).toBeLessThan(sent)
      for (const { timestamp, actual_timestamp, actual_source, actual_count } of known) {
        expect(actual_timestamp! > timestamp).toBe(true)
        expect([actual_source, actual_count]).toEqual(['simulation', 1])
      }
      const widths = rows.map((row) => row.sepal_width)
      expect(deviation(widths.slice(-40))).toBeGreaterThan(1.3 * deviation(widths.slice(0, 40)))
      const right = (some: readonly Row[]) => mean(some.map(({ prediction, actual }) => Number(prediction === actual)))
      expect(right(known.slice(0, 30))).toBeGreaterThan(right(known.slice(-30)))
    }),
  )

  it('ends in time, however many there are to be sent', () =>
    inScope(async (defer) => {
      const server = await startServer('fastify', {}, defer)
      const { stdout } = await simulate('--url', server.url, '--seconds', '0.5', '--count', '1000000', '--late', '0')
      const [, sent] = /^(\d+) flowers sent/m.exec(stdout)!
      expect(Number(sent)).toBeGreaterThan(0)
      expect(Number(sent)).toBeLessThan(1_000_000)
      expect(stdout).toMatch(/capture-predictions report --since \S+Z --reference \S+Z\.\.\S+Z/)
    }))

  it('says what is wrong: no server there, an option that is none', async () => {
    await expect(simulate('--url', 'http://localhost:1')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/http:\/\/localhost:1 can't be used \(.+\): npm start runs one/) as string,
    })
    for (const [args, message] of [
      [['--count', '0'], '--count must be a number from 1 to 1000000, not "0"'],
      [['--seconds', 'ten'], '--seconds must be a number from 0.1 to 3600, not "ten"'],
      [['--nois', '1'], "Unknown option '--nois'"],
    ] as const)
      await expect(simulate(...args)).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringContaining(message) as string,
      })
    expect((await simulate('--help')).stdout).toContain('--noise CM')
  })
})

describe('a measured flower', () => {
  it('is exact without noise, and never nothing with much of it', () => {
    const random = createRandom(1)
    expect(measure(SETOSA, 0, random)).toEqual(SETOSA)
    const many = Array.from({ length: 500 }, () => measure(SETOSA, 5, random))
    expect(Math.min(...many.flatMap(({ sepal, petal }) => [sepal.width, petal.width]))).toBe(0.1)
  })

  it('is wrong by numbers of the normal distribution, the same for the same seed', () => {
    const draw = (seed: number) => {
      const random = createRandom(seed)
      return Array.from({ length: 20_000 }, () => normal(random))
    }
    for (const seed of [0, 1, 42, 2 ** 32 - 1]) {
      const numbers = draw(seed)
      expect(numbers).toEqual(draw(seed))
      expect(mean(numbers)).toBeCloseTo(0, 1)
      expect(deviation(numbers)).toBeCloseTo(1, 1)
    }
    expect(draw(1)).not.toEqual(draw(2))
  })
})
