import { PredictionsError } from '../../src/errors/errors.ts'

/** A database's address as logs and statistics show it: without user, password and parameters. */
export const addressOf = (url: string, protocols: readonly string[]): string => {
  const protocol = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? ''
  if (!protocols.includes(protocol)) {
    const allowed = protocols.map((name) => `${name}://user@host/database`).join(' or ')
    throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `The sink's URL must be ${allowed}`)
  }
  // Sockets' URLs may have no host, which URL doesn't take.
  const rest = url.slice(protocol.length + 1).replace(/[?#].*$/s, '')
  return `${protocol}:${rest.replace(/^(\/\/)?.*@/s, '$1')}`
}
