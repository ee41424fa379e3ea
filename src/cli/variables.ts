import { table, type Setting } from '../config/table.ts'

/** A setting's default as people read it; undefined: there is none. */
export const shownDefault = ({ default: value, shownDefault: shown }: Setting<unknown>): string | undefined => {
  if (shown !== undefined || value === undefined || typeof value === 'function') return shown
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** `capture-predictions help variables`: every variable with its default, what is allowed, and what it does. */
export const variables = (): string => {
  const settings = Object.values(table as Readonly<Record<string, Setting<unknown>>>)
  return settings
    .filter(({ variable }) => variable !== undefined)
    .map((setting) => {
      const fallback = shownDefault(setting) || 'none'
      return `${setting.variable}\n    ${setting.doc}\n    Allowed: ${setting.allowed}. Default: ${fallback}`
    })
    .join('\n')
}
