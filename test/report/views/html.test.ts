/// <reference lib="dom" />
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judge } from '../../../src/report/judge.ts'
import type { Report } from '../../../src/report/result.ts'
import { htmlView } from '../../../src/report/views/html/page.ts'
import { violations } from '../../setup/axe.ts'
import { hasBrowser, launchBrowser } from '../../setup/browser.ts'
import { answers, bins, cell, column, distribution, group, labelledPairs } from '../answers.ts'
import { example } from '../example.ts'
import { seeded } from '../random.ts'
import { simulate } from '../simulate.ts'

const nothing = judge(answers([column('x')], group({ columns: { x: distribution() } })))

const reports: [string, Report][] = [
  ['with all there is', judge(example())],
  ['without drift, of sampled rows', judge(example({ drifts: false, sampled: 0.1 }))],
  ['without actuals and with few rows', judge(example({ labels: false, rows: 60 }))],
  ['of windows without buckets', judge(simulate(seeded(1), { n: 5000 }))],
  ['of no rows and no reference', nothing],
]

describe('htmlView', () => {
  it('is small for 50 features, three months of days, 20 versions and 60 slices', () => {
    const report = judge(example({ features: 45, rows: 3000 }))
    const day = (i: number): string => new Date(Date.UTC(2026, 0, 1 + i)).toISOString()
    const days = <Of>(of: readonly Of[]): Of[] =>
      Array.from({ length: 180 }, (_, i) => ({
        ...of[i % of.length]!,
        since: day(i),
        until: day(i + 1),
        reference: i < 90,
      }))
    const long = {
      ...report,
      traffic: { ...report.traffic, over_time: days(report.traffic.over_time) },
      performance: { ...report.performance, over_time: days(report.performance.over_time) },
      columns: Object.fromEntries(
        Object.entries(report.columns).map(([name, of]) => [name, { ...of, over_time: days(of.over_time) }]),
      ),
    }
    const groups = {
      versions: Array.from({ length: 20 }, (_, i) => ({ ...report.versions[i % 2]!, value: `2026.11.${i}` })),
      slices: Array.from({ length: 60 }, (_, i) => ({ ...report.slices[i % 5]!, name: `tag ${i % 3}`, value: `${i}` })),
    }
    expect(Object.keys(long.columns).length).toBe(52)
    expect(report.performance.labelled).toBeGreaterThan(1000)
    expect(Buffer.byteLength(htmlView(report))).toBeLessThan(350_000)
    expect(Buffer.byteLength(htmlView({ ...long, ...groups }))).toBeLessThan(450_000)
  })

  it('escapes names and values, wherever they stand', () => {
    const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>\'&'
    const of = column(evil, { kind: 'category', categories: [evil, 'b'] })
    const window = (n: number[]) =>
      group({
        instances: cell(400),
        columns: {
          [evil]: distribution({
            bins: bins(n),
            unseen: cell(100),
            unseenValues: [{ value: `new ${evil}`, ...cell(100) }],
          }),
        },
      })
    const given = answers([of], window([350, 50]), group({ ...window([100, 300]) }))
    const slices = [{ name: evil, value: evil, group: window([350, 50]) }]
    const extra = [{ path: evil, reason: evil, ...cell(50) }]
    const page = htmlView(
      judge(
        {
          plan: { ...given.plan, model: evil },
          current: { ...given.current, slices, extra, versions: { [evil]: window([1, 1]), b: window([1, 1]) } },
          reference: given.reference,
        },
        { referenceName: evil },
      ),
    )
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).not.toMatch(/<script|<img/)
  })

  it('names values that are whole texts by their beginnings', () => {
    const text = `<${'x'.repeat(100_000)}>`
    const pairs = [{ prediction: text, actual: text, ...cell(300) }]
    const window = (n: number[]) => {
      const shape = { bins: bins(n), unseen: cell(100), unseenValues: [{ value: `new ${text}`, ...cell(100) }] }
      return group({ instances: cell(400), columns: { essay: distribution(shape) }, labelled: labelledPairs(pairs) })
    }
    const of = column('essay', { kind: 'category', categories: [text, 'b'] })
    const comparison = { task: 'classification', prediction: 'essay', actual: 'actual', classes: [text, 'b'] } as const
    const given = answers([of], window([350, 50]), window([100, 300]))
    const page = htmlView(
      judge({
        plan: {
          ...given.plan,
          comparison: { ...comparison, actualKind: 'category', isActualJson: false, isBoolean: false },
        },
        current: { ...given.current, slices: [{ name: 'essay', value: text, group: window([350, 50]) }] },
        reference: given.reference,
      }),
    )
    expect(page).toContain(`&lt;${'x'.repeat(79)}…`)
    expect(page).not.toContain('x'.repeat(81))
  })

  it.each(reports)('%s: says no NaN, no Infinity and no undefined', (_, report) => {
    const text = htmlView(report).replace(/undefined: /g, '')
    expect(text).not.toMatch(/\bNaN\b(?! or)|Infinity|undefined|\[object|null/)
  })
})

describe.skipIf(!hasBrowser)('in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())

  const open = async (report: Report, options: Parameters<Browser['newPage']>[0] = {}) => {
    const page = await browser.newPage({ bypassCSP: true, ...options })
    const asked: string[] = []
    const complaints: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.setContent(htmlView(report))
    return { page, asked, complaints }
  }

  describe.each(reports)('%s', (_, report) => {
    it('axe finds nothing to complain of, light and dark', async () => {
      const { page, asked, complaints } = await open(report, { colorScheme: 'light' })
      await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)))
      expect(await violations(page)).toEqual([])
      // What is dark differs by its colours alone.
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await violations(page, ['color-contrast'])).toEqual([])
      expect([...asked, ...complaints]).toEqual([])
      await page.close()
    })

    it('fits a phone', async () => {
      const { page } = await open(report, { viewport: { width: 360, height: 700 } })
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(width).toBeLessThanOrEqual(360)
      await page.close()
    })
  })

  it.runIf(process.env['PICTURES'])('makes the pictures of the docs', async () => {
    const { page } = await open(reports[0]![1], { viewport: { width: 1100, height: 1370 } })
    await page.screenshot({ path: `${process.env['PICTURES']}/report.png` })
    await page.setViewportSize({ width: 1100, height: 900 })
    await page.locator('#columns').evaluate((heading) => heading.scrollIntoView())
    await page.screenshot({ path: `${process.env['PICTURES']}/report-columns.png` })
    await page.close()
  })

  it('prints without cutting a table, though the screen is dark', async () => {
    const { page } = await open(reports[0]![1], { viewport: { width: 720, height: 1000 }, colorScheme: 'dark' })
    await page.emulateMedia({ media: 'print' })
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('.scroll')]
        .filter((each) => each.offsetParent && each.scrollWidth > each.clientWidth + 1)
        .map((each) => each.getAttribute('aria-label')),
    )
    expect(cut).toEqual([])
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)')
    await page.close()
  })

  it('a chart has a text, and the numbers behind it in a table', async () => {
    const { page } = await open(reports[0]![1], { javaScriptEnabled: true })
    const charts = await page.getByRole('img').evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')))
    expect(charts.length).toBeGreaterThan(10)
    for (const text of charts) expect(text).toMatch(/^[A-Z].{15,}\.$/i)
    expect(await page.locator('details table').count()).toBeGreaterThan(8)
    await page.close()
  })

  it('says the verdict and leads from a finding to its column', async () => {
    const { page } = await open(reports[0]![1])
    expect(await page.getByRole('status').textContent()).toMatch(
      /Alert.*3 of 5 features \(age, income and channel\) have drifted; accuracy 0\.6/s,
    )
    await page.getByRole('link', { name: 'age', exact: true }).first().click()
    const id = await page.evaluate(() => location.hash.slice(1))
    expect(await page.locator(`#${id} h3`).textContent()).toBe('age')
    await page.close()
  })
})
