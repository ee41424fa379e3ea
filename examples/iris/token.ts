import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'

/**
 * Who knows it may report what flowers really were. Here the page is told, so whoever opens the page may; in your app it is a login, or a
 * key of each system that reports.
 */
export const token = process.env['ACTUALS_TOKEN'] ?? randomUUID()

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether a request's `authorization` is `Bearer` and the token. */
export const hasToken = (authorization = ''): boolean =>
  timingSafeEqual(digest(authorization), digest(`Bearer ${token}`))
