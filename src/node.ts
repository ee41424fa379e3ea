import crypto from 'node:crypto'
import type { DatabaseSync as Database } from 'node:sqlite'
import zlib from 'node:zlib'
import { PredictionsError } from './errors/errors.ts'

/**
 * The parts of Node.js that older releases lack. There a named import of them fails before any of our code has run, with a message that
 * helps nobody. So import them from this file: it checks the release first, and every entry point imports it.
 */

/** The oldest release that works; package.json's `engines` say the same. */
const OLDEST = { major: 22, minor: 16 }

const requireNode = (release: string): void => {
  const [major = 0, minor = 0] = release.split('.').map(Number)
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return
  throw new PredictionsError(
    'PREDICTIONS_OLD_NODE',
    `capture-predictions needs Node.js ${OLDEST.major}.${OLDEST.minor} or newer, and this is ${release} (${process.execPath}): install Node.js 24, and run the service with it`,
  )
}

requireNode(process.versions.node)

// Defaults, not named imports: those are looked up before anything runs.
export const { hash } = crypto
export const { crc32, zstdDecompressSync } = zlib
export type DatabaseSync = Database
export const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
/** An object that `JSON.stringify` writes as this text, without quotes. TypeScript's types don't have it yet. */
export const { rawJSON } = JSON as JSON & { rawJSON(text: string): object }
