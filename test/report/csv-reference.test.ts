import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { referenceOfCsv } from '../../src/report/csv-reference.ts'
import { temporaryFolder } from '../setup/captures.ts'

const columnsOf = async (text: string) => {
  const file = join(temporaryFolder(), 'training.csv')
  writeFileSync(file, text)
  const { columns } = await referenceOfCsv(file)
  return Object.fromEntries(columns.map((column) => [column.name, column]))
}

describe('a reference of a CSV file', () => {
  it.each([
    [',', ';'],
    [';', ','],
    ['\t', ','],
  ])('is delimited by what its header is, here %j: %j in a text is text', async (delimiter, other) => {
    const rows = [
      ['x', 'city'],
      ['1', `Köln${other} Deutz`],
      ['2', 'Paris'],
    ]
    const { x, city } = await columnsOf(rows.map((row) => row.join(delimiter)).join('\n'))
    expect(x).toMatchObject({ kind: 'number', distribution: { present: { n: 2 } } })
    expect(city!.categories).toEqual([`Köln${other} Deutz`, 'Paris'])
  })

  it('weighs rows by sample_weight, and those without it once, as a store does', async () => {
    const { x, sample_weight } = await columnsOf('x,sample_weight\n1,10\n2,\n3,NA\n')
    expect(x!.distribution.present).toEqual({ n: 3, w: 12, w2: 102 })
    expect(sample_weight).toBeUndefined()
  })

  it('that is not there, or has rows of another length, is refused in a sentence', async () => {
    await expect(referenceOfCsv('nowhere.csv')).rejects.toMatchObject({
      code: 'PREDICTIONS_BAD_CONFIGURATION',
      message: expect.stringMatching(/^--csv nowhere\.csv: ENOENT/) as string,
    })
    await expect(columnsOf('x,y\n1,2\n3\n')).rejects.toMatchObject({
      code: 'PREDICTIONS_BAD_CONFIGURATION',
      message: expect.stringMatching(/^--csv .*: Invalid Record Length: expect 2, got 1 on line 3/) as string,
    })
  })
})
