import { vi } from 'vitest'

/** Conditions have the time that a busy machine needs: a test that waits for one fails when it never comes, not when it comes late. */
const PATIENCE = { timeout: 20_000, interval: 20 }

const { waitFor } = vi
vi.waitFor = (condition, options) =>
  waitFor(condition, typeof options === 'number' ? options : { ...PATIENCE, ...options })
