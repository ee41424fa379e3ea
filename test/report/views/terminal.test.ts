import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { judge } from '../../../src/report/judge.ts'
import { terminalView } from '../../../src/report/views/terminal.ts'
import { seeded } from '../random.ts'
import { simulate } from '../simulate.ts'
import { answers, bins, column, distribution, group, numbers, cell } from '../answers.ts'

const drifted = judge(simulate(seeded(3), { n: 20_000, shift: 0.5 }))

describe('terminalView', () => {
  it('says the verdict first, then what was found, then the columns', () => {
    const lines = terminalView(drifted, { colours: false }).split('\n')
    expect(lines[0]).toBe('iris, 8 Mar 2026 – 15 Mar 2026 (UTC), against 1 Mar 2026 – 8 Mar 2026')
    expect(lines[2]).toMatch(/^ALERT {2}1 of 10 features \(normal\) has drifted; accuracy 0\.9/)
    expect(lines.join('\n')).toMatch(/✖ alert {2}normal has drifted: mean 0\.5\d*, was -0\.0/)
    expect(lines.find((line) => line.startsWith('normal '))).toMatch(/ ✖ drifted$/)
    expect(lines.find((line) => line.startsWith('lognormal '))).toMatch(/ no$/)
  })

  it("says times in the report's zone", () => {
    const text = terminalView({ ...drifted, time_zone: 'America/New_York' }, { colours: false })
    // Clocks went forward in the night of 8 March.
    expect(text.split('\n').slice(0, 2).join(' ')).toContain('7 Mar 2026 19:00 – 14 Mar 2026 20:00 (America/New_York)')
  })

  it('is readable at 80 columns', () => {
    for (const line of terminalView(drifted, { colours: true }).split('\n'))
      expect([...stripVTControlCharacters(line)].length, line).toBeLessThanOrEqual(80)
  })

  it('has colours only where they are asked for', () => {
    const plain = terminalView(drifted, { colours: false })
    expect(stripVTControlCharacters(plain)).toBe(plain)
    const coloured = terminalView(drifted, { colours: true })
    expect(coloured).not.toBe(plain)
    expect(stripVTControlCharacters(coloured)).toBe(plain)
  })

  it('prints nothing that a terminal would obey, whatever values and columns are called', () => {
    const evil = '\u001b[2J\u009b31m\u202e\ufeff'
    const of = (name: string) => column(name, { kind: 'category', categories: [`a${evil}`, 'b'] })
    const window = (n: number[]) =>
      group({ instances: cell(400), columns: { [`x${evil}`]: distribution({ bins: bins(n) }) } })
    const report = judge(answers([of(`x${evil}`)], window([350, 50]), window([100, 300])), { referenceName: evil })
    const text = terminalView(report, { colours: false })
    expect(report.findings[0]!.kind).toBe('drift')
    expect(text).not.toMatch(/(?!\n)\p{Cc}|\p{Cf}/u)
  })

  it('cuts what is too long', () => {
    const name = 'a_very_long_name_'.repeat(10)
    const edges = [0, 1, 2]
    const window = group({ instances: cell(400), columns: { [name]: numbers(edges, { bins: bins([200, 200]) }) } })
    const text = terminalView(judge(answers([column(name, { edges })], window, window)), { colours: false })
    for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(80)
  })
})
