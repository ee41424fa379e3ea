/// <reference lib="dom" />
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { violations } from '../setup/axe.ts'
import { hasBrowser, launchBrowser } from '../setup/browser.ts'
import { cleanup } from '../setup/captures.ts'
import { service } from '../setup/services.ts'
import { post, report, rowsOf, SETOSA, startServer } from './iris-server.ts'

describe.each(['fastify', 'express', 'koa'])('npm start -- %s', (framework) => {
  it('predicts, refuses what is no flower, and has written everything when SIGTERM has ended it', async () => {
    const server = await startServer(framework)
    const reply = await post(server.url, SETOSA)
    expect([reply.status, await reply.json()]).toEqual([200, { prediction: 0 }])
    const refused = await post(server.url, { ...SETOSA, sepal: { length: '5cm', width: 3.5 } })
    expect(refused.status).toBe(400)
    expect(JSON.stringify(await refused.json())).toMatch(/sepal.length must be/)
    const id = reply.headers.get('x-prediction-id')
    expect((await post(server.url, { id, actual: 1 }, 'actuals')).status).toBe(401)
    expect((await post(server.url, { id, actual: 1 }, 'actuals', { authorization: 'Bearer guess' })).status).toBe(401)
    const reported = await report(server.url, { id, actual: 1 })
    expect([reported.status, await reported.json()]).toEqual([202, { accepted: 1, rejected: [] }])
    expect(await server.stop()).toEqual([0, null])

    const database = new DatabaseSync(join(server.folder, 'predictions.db'))
    const [row, bad, ...more] = database.prepare('SELECT * FROM predictions_labelled ORDER BY id').all()
    database.close()
    expect(more).toEqual([])
    expect(row).toMatchObject({
      id,
      sepal_length: 5.1,
      sepal_width: 3.5,
      petal_length: 1.4,
      petal_width: 0.2,
      prediction: 0,
      actual: 1,
      actual_count: 1,
      status: 200,
    })
    expect(row!['confidence']).toBeGreaterThan(0.9)
    expect(bad).toMatchObject({ status: 400, sepal_length: null, sepal_width: 3.5, prediction: null })
    expect(bad!['error']).toMatch(/sepal.length must be/)
    expect(JSON.parse(bad!['extra'] as string)).toEqual({
      'features.sepal.length': { value: '5cm', reason: 'not a number' },
    })
    expect(server.output()).toMatch(/capturing POST \/predict -> sqlite:/)
    expect(server.output()).toMatch(/right for 2\d of the 30 held out \(0\.9\d\)/)
  })
})

const databases = [
  { name: 'Postgres', client: 'pg', url: await service('postgres') },
  { name: 'MySQL', client: 'mysql2', url: await service('mysql') },
  { name: 'MariaDB', client: 'mysql2', url: await service('mariadb') },
]
describe.each(databases.filter(({ url }) => url))('the same server on $name', ({ client, url }) => {
  it('needs nothing but PREDICTIONS_SINK', async () => {
    const { default: knex } = await import('knex')
    const database = knex({ client, connection: url! })
    const table = `iris_${process.pid}`
    cleanup(async () => {
      await database.raw(`drop view if exists ${table}_labelled`)
      for (const name of [table, `${table}_actuals`]) await database.schema.dropTableIfExists(name)
      await database.destroy()
    })
    const server = await startServer('fastify', { PREDICTIONS_SINK: url!, PREDICTIONS_TABLE: table })
    const reply = await post(server.url, SETOSA)
    await report(server.url, { id: reply.headers.get('x-prediction-id'), actual: 0 })
    const shown = { rows: [{ sepal_length: 5.1 }], score: { known: 1, right: 1 } }
    await vi.waitFor(async () => expect(await rowsOf(server.url)).toMatchObject(shown), { timeout: 10_000 })
    expect(await server.stop()).toEqual([0, null])
    const [row] = (await database(table).select('prediction', 'status')) as Record<string, unknown>[]
    expect({ prediction: Number(row!['prediction']), status: row!['status'] }).toEqual({ prediction: 0, status: 200 })
  })
})

describe.skipIf(!hasBrowser)('the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())

  const open = async (url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> => {
    const page = await browser.newPage(options)
    cleanup(() => page.close())
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    cleanup(() => expect(errors).toEqual([]))
    await page.goto(url)
    return page
  }

  const fill = async (page: Page, measures: readonly string[]) => {
    for (const [index, name] of ['Sepal length', 'Sepal width', 'Petal length', 'Petal width'].entries())
      await page.getByRole('textbox', { name }).fill(measures[index]!)
  }

  it('predicts what is typed, draws it, and shows its row as it is in the database', async () => {
    const server = await startServer('fastify')
    const page = await open(server.url, { viewport: { width: 1100, height: 860 }, deviceScaleFactor: 1 })
    await page.locator('.flower').nth(149).waitFor()
    await fill(page, ['6.9', '3.1', '5.4', '2.1'])
    await page.getByRole('button', { name: 'Predict' }).click()
    await page.getByRole('status').getByText('virginica').waitFor()
    await page.getByText(/confidence: \d+ %/).waitFor()
    expect(await page.locator('[data-new=virginica]').count()).toBe(1)
    const row = page.locator('#rows tr.mine')
    await row.waitFor()
    const cells = await row.locator('td').allTextContents()
    expect(cells).toEqual(expect.arrayContaining(['6.9', '3.1', '5.4', '2.1', '2', '200']))
    await fill(page, ['5.1cm', '3.5', '1.4', '0.2'])
    await page.getByRole('button', { name: 'Predict' }).click()
    await page.getByText(/sepal.length must be number/).waitFor()
    await page.locator('#rows tr.mine').getByText('400', { exact: true }).waitFor()
  })

  const ask = async (page: Page, measures: readonly string[], expected: string) => {
    await fill(page, measures)
    await page.getByRole('button', { name: 'Predict' }).click()
    await page.locator('#answer').getByText(expected).waitFor()
  }

  it('asks what it really was: one click, another one corrects it, and the share that was right is counted', async () => {
    const server = await startServer('koa')
    const page = await open(server.url, { viewport: { width: 1100, height: 960 }, deviceScaleFactor: 1 })
    const truth = page.getByRole('group', { name: 'What was it really?' })
    await page.locator('.flower').nth(149).waitFor()
    expect(await truth.isVisible()).toBe(false)

    await ask(page, ['5.1', '3.5', '1.4', '0.2'], 'setosa')
    await truth.getByRole('button', { name: 'setosa' }).click()
    await truth.getByText('It was setosa, and the model was right.').waitFor()
    await page.getByText('1 of 1 right (100 %)').waitFor()

    await ask(page, ['6.9', '3.1', '5.4', '2.1'], 'virginica')
    expect(await truth.locator('[aria-pressed=true]').count()).toBe(0)
    await truth.getByRole('button', { name: 'versicolor' }).click()
    await truth.getByText('the model was wrong: it said virginica').waitFor()
    await page.getByText('1 of 2 right (50 %)').waitFor()
    const row = page.locator('#rows tr.mine td')
    expect((await row.allTextContents()).slice(0, 2)).toEqual(['2', '1'])
    expect(await row.nth(1).getAttribute('class')).toBe('wrong')
    if (process.env['PICTURE']) await page.screenshot({ path: process.env['PICTURE'], fullPage: true })

    await truth.getByRole('button', { name: 'virginica' }).click()
    await page.getByText('2 of 2 right (100 %)').waitFor()
    expect(await truth.locator('[aria-pressed=true]').allTextContents()).toEqual(['virginica'])
    expect(await page.locator('#rows td.right').count()).toBe(2)
    // And back again.
    await truth.getByRole('button', { name: 'versicolor' }).click()
    await page.getByText('1 of 2 right (50 %)').waitFor()
  })

  it('says that a report was refused, and why', async () => {
    const server = await startServer('fastify')
    const page = await open(server.url)
    await page.route('**/actuals', (route) =>
      route.continue({ headers: { ...route.request().headers(), authorization: 'Bearer old' } }),
    )
    await ask(page, ['5.1', '3.5', '1.4', '0.2'], 'setosa')
    await page.getByRole('button', { name: 'setosa' }).click()
    await page.getByText('Not reported: who reports actuals needs the token').waitFor()
    expect(await page.locator('[aria-pressed=true]').count()).toBe(0)
  })

  it('has the id last and short, and whole on hover and when it is copied', async () => {
    const server = await startServer('fastify')
    const page = await open(server.url, { viewport: { width: 360, height: 740 } })
    await ask(page, ['5.1', '3.5', '1.4', '0.2'], 'setosa')
    const id = page.locator('#rows tr.mine td').last()
    await id.waitFor({ state: 'attached' })
    const whole = await id.getAttribute('title')
    expect(whole).toMatch(/^[\da-f-]{36}$/)
    const width = await id.evaluate((node) => [node.clientWidth, node.scrollWidth] as const)
    expect(width[0]).toBeLessThan(width[1])
    await id.click()
    expect(await page.evaluate(() => document.getSelection()?.toString().trim())).toBe(whole)
    // A new row must not take away what is about to be copied.
    await post(server.url, SETOSA)
    await page.waitForResponse(
      async (response) => response.url().endsWith('/rows') && (await response.text()).split('"id"').length > 2,
    )
    await page.waitForResponse('**/rows')
    expect(await page.evaluate(() => document.getSelection()?.toString().trim())).toBe(whole)
    // On a phone what was predicted is in sight.
    await page.locator('.scroll').evaluate((node) => (node.scrollLeft = 0))
    const inSight = await page
      .locator('#rows th')
      .evaluateAll((nodes) => nodes.filter((node) => node.getBoundingClientRect().right < 360))
    expect(inSight.length).toBeGreaterThanOrEqual(3)
    expect((await page.locator('#rows th').allTextContents()).slice(0, 3)).toEqual([
      'prediction',
      'actual',
      'confidence',
    ])
  })

  it('axe finds nothing to complain of, light and dark', async () => {
    const server = await startServer('fastify')
    const page = await open(server.url, { colorScheme: 'light' })
    await ask(page, ['5.1', '3.5', '1.4', '0.2'], 'setosa')
    await page.getByRole('button', { name: 'virginica' }).click()
    await page.locator('#rows td.wrong').waitFor()
    expect(await violations(page)).toEqual([])
    // What is dark differs by its colours alone.
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await violations(page, ['color-contrast'])).toEqual([])
  })

  it('works by keyboard alone, on a phone, in the dark', async () => {
    const server = await startServer('express')
    const page = await open(server.url, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
    await page.locator('.flower').nth(149).waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('sepal.length')
    for (const measure of ['5.0', '3.4', '1.5', '0.2']) {
      await page.keyboard.press('Control+A')
      await page.keyboard.type(measure)
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Enter')
    await page.getByRole('status').getByText('setosa').waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('It was setosa, and the model was right.').waitFor()
    await page.getByText('1 of 1 right (100 %)').waitFor()
    // Letters are as large as elsewhere.
    const letters = await page
      .locator('#plot text')
      .evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect().height))
    expect(Math.min(...letters)).toBeGreaterThan(11)
    if (process.env['PHONE_PICTURE']) await page.screenshot({ path: process.env['PHONE_PICTURE'], fullPage: true })
    // Nothing but the table scrolls sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
    const [ground, ink] = await page.evaluate(() => {
      const { backgroundColor, color } = getComputedStyle(document.body)
      return [backgroundColor, color]
    })
    expect(ground).toBe('rgb(21, 22, 26)')
    expect(ink).toBe('rgb(232, 230, 225)')
  })
})
