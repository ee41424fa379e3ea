import { describe, expect, it } from 'vitest'
import { judge } from '../../src/report/judge.ts'
import { DEFAULTS, defaultThresholds, levelsOf, readThresholds } from '../../src/report/thresholds.ts'
import { example } from './example.ts'

describe('readThresholds', () => {
  it('keeps the defaults of what is not named', () => {
    expect(readThresholds({})).toEqual({ thresholds: defaultThresholds, mistakes: [] })
  })

  it('takes levels, one number for a warning alone, and single columns', () => {
    const { thresholds, mistakes } = readThresholds({
      psi: { warn: 0.2 },
      wasserstein: 0.3,
      minimum: 50,
      columns: { zip: { ignore: true }, age: { wasserstein: { alert: 0.9 } } },
    })
    expect(mistakes).toEqual([])
    expect(thresholds.levels.psi).toEqual({ warn: 0.2, alert: 0.25 })
    expect(thresholds.levels.wasserstein).toEqual({ warn: 0.3, alert: Infinity })
    expect(thresholds.minimum).toBe(50)
    expect(thresholds.columns['zip']!.ignore).toBe(true)
    expect(levelsOf(thresholds, 'wasserstein', 'age')).toEqual({ warn: 0.1, alert: 0.9 })
    expect(levelsOf(thresholds, 'wasserstein', 'constructor')).toEqual({ warn: 0.3, alert: Infinity })
  })

  it('tells all mistakes at once, with the nearest name', () => {
    const given = {
      ps: 1,
      psi: { worn: 1, alert: -1 },
      p: 'low',
      minimum: 0,
      columns: { age: { wassertein: 1, ignore: 'yes' }, zip: 3 },
    }
    expect(readThresholds(given).mistakes).toEqual([
      'ps is unknown; did you mean "psi"?',
      'psi.worn is unknown; did you mean "warn"?',
      'psi.alert must be a number of at least 0, not -1',
      'p must be a number, or {"warn": number, "alert": number}, not "low"',
      'minimum must be a number of at least 2, not 0',
      'columns.age.wassertein is unknown; did you mean "wasserstein"?',
      'columns.age.ignore must be true or false, not "yes"',
      'columns.zip must be an object, such as {"ignore": true} or {"psi": 0.2}, not 3',
    ])
    expect(readThresholds([]).mistakes).toEqual(['the file must hold a JSON object'])
  })
})

describe('thresholds of a report', () => {
  it('decide what is a finding', () => {
    const { thresholds } = readThresholds({
      wasserstein: 5,
      jensen_shannon: 1,
      psi: 10,
      columns: { age: { wasserstein: DEFAULTS.wasserstein } },
    })
    const drifts = judge(example(), { thresholds }).findings.filter(({ kind }) => kind === 'drift')
    expect(drifts.map(({ column, severity }) => [column, severity])).toEqual([['age', 'alert']])
  })

  it('leave out a column that is ignored', () => {
    const { thresholds } = readThresholds({ columns: { age: { ignore: true } } })
    const { findings, columns } = judge(example(), { thresholds })
    expect(findings.filter(({ column }) => column === 'age')).toEqual([])
    expect(columns['age']).toMatchObject({ drift: null, not_judged: 'not judged, as the configuration asks' })
  })
})
