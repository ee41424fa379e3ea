import { describe, expect, it } from 'vitest'
import { killAgainAndAgain, killTwoOfFour } from './kill.ts'
import { createReports } from './reports.ts'
import { has } from './tables.ts'
import { SOUND } from './verdict.ts'

const AT_REST = { ...SOUND, actuals: SOUND, unbalanced: [], code: 0, left: [] }

describe.concurrent('kill -9 under load', { timeout: 120_000 }, () => {
  it.skipIf(!has('mariadb'))('again and again: each answered id is in the table once', async () => {
    expect(await killAgainAndAgain({ database: 'mariadb', framework: 'express', rounds: 2 })).toMatchObject(AT_REST)
  })

  it.each(
    (
      [
        ['postgres', 'fastify'],
        ['mysql', 'express'],
      ] as const
    ).filter(([database]) => has(database)),
  )(
    'while clients report actuals: each report that was answered is in %s once, as its prediction is',
    async (database, framework) => {
      const reports = createReports()
      expect(await killAgainAndAgain({ database, framework, rounds: 4, reports })).toMatchObject(AT_REST)
      expect(reports.given.size).toBeGreaterThan(0)
    },
  )

  it.skipIf(!has('postgres'))('of two of four cluster workers: the others bring in what they left', async () => {
    const reports = createReports()
    const killed = await killTwoOfFour({ database: 'postgres', framework: 'express', rounds: 1, reports })
    expect(killed).toMatchObject(AT_REST)
    expect(reports.given.size).toBeGreaterThan(0)
  })
})
