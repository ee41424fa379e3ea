import { describe, expect, it } from 'vitest'
import { judge } from '../../src/report/judge.ts'
import { misfitsOf, parseReference, referenceOf, referenceText, windowOf } from '../../src/report/reference-file.ts'
import { hasCode } from '../../src/errors/errors.ts'
import { seeded } from './random.ts'
import { simulate } from './simulate.ts'

const simulated = simulate(seeded(5), { n: 5000, shift: 0.5 })
/** The reference window as a window of its own. */
const asCurrent = { ...simulated, current: simulated.reference!, reference: undefined }

const message = (text: string): string => {
  try {
    parseReference(text, 'reference.json')
  } catch (error) {
    expect(hasCode(error, 'PREDICTIONS_BAD_CONFIGURATION')).toBe(true)
    return (error as Error).message
  }
  throw new Error('it was read')
}

describe('a reference file', () => {
  it('gives the report that its window gives', () => {
    const file = parseReference(referenceText(referenceOf(asCurrent)), 'reference.json')
    const fromFile = judge({ ...simulated, reference: windowOf(file) }, { referenceHasTraffic: false })
    const fromStore = judge(simulated)
    const drifts = ({ columns }: typeof fromFile) => Object.entries(columns).map(([name, { drift }]) => [name, drift])
    expect(drifts(fromFile)).toEqual(drifts(fromStore))
    expect(fromFile.performance.reference?.metrics).toEqual(fromStore.performance.reference?.metrics)
    expect(fromFile.findings.map(({ kind, column }) => [kind, column])).toEqual([['drift', 'normal']])
  })

  it('is small', () => {
    expect(referenceText(referenceOf(asCurrent)).length / 12).toBeLessThan(6000)
  })

  const good = referenceOf(asCurrent)
  it.each([
    ['{', /reference\.json is no reference: not JSON/],
    ['[]', /its member "format" must be "capture-predictions\/reference"/],
    [JSON.stringify({ ...good, version: 2 }), /it is of version 2, and this package reads version 1/],
    [JSON.stringify({ ...good, columns: [{ name: 'x' }] }), /columns\.0 must have required property 'role'/],
    [JSON.stringify({ ...good, columns: [{ ...good.columns[0], edges: [1, 2] }] }), /normal must have 1 bins/],
  ])('that is none says why: %.20s', (text, why) => expect(message(text)).toMatch(why))

  it('says which columns came, went and changed their type', () => {
    const columns = [
      ...good.columns.filter(({ name }) => name !== 'uniform').map(({ name, kind }) => ({ name, kind })),
      { name: 'later', kind: 'number' as const },
    ].map((of) => (of.name === 'steps' ? { ...of, kind: 'category' as const } : of))
    expect(misfitsOf(good, columns).map(({ message }) => message)).toEqual([
      'uniform is in the reference, and no more among the columns.',
      "steps is a category now, and was a number in the reference: they can't be compared.",
      'later is not in the reference: there is nothing to compare it with.',
    ])
  })
})
