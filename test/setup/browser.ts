import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const browserPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

/** Without a browser its tests are skipped, loudly; where `CI` is set that is an error. */
export const hasBrowser = existsSync(browserPath)
if (!hasBrowser) {
  if (process.env['CI']) throw new Error(`no browser at ${browserPath}: install chromium or set CHROMIUM_PATH`)
  process.stderr.write(`\n*** SKIPPED: no browser at ${browserPath}, set CHROMIUM_PATH\n`)
}

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: browserPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
