import { readFile } from 'node:fs/promises'
import { flowers, species } from './model.ts'
import { createRowReader } from './rows.ts'
import { token } from './token.ts'

const types = { html: 'text/html', css: 'text/css', js: 'text/javascript' } as const

const readPageFile = async (name: string) => ({
  path: name === 'index.html' ? '/' : `/${name}`,
  type: types[name.split('.').at(-1) as keyof typeof types],
  text: await readFile(new URL(`page/${name}`, import.meta.url), 'utf8'),
})

/** The page's files, read once. */
export const files = await Promise.all(['index.html', 'style.css', 'page.js', 'plot.js', 'rows.js'].map(readPageFile))

/** What the page draws, and the token that it reports with. */
export const dataset = { species, flowers, token }

const reader = createRowReader(
  process.env['PREDICTIONS_SINK'] ?? 'sqlite:./predictions.db',
  process.env['PREDICTIONS_TABLE'] ?? 'predictions',
)

export const latestRows = () => reader.latest()
export const closeSite = () => reader.close()
