import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { PredictionsError } from './errors/errors.ts'

/**
 * Where an optional package is looked for: beside this package, then in the working directory, as a package that is linked (`npm link`)
 * has no app beside it. In a CommonJS bundle `import.meta.url` is undefined: then only the working directory is left.
 */
export const places = (): string[] =>
  [import.meta.url as string | undefined, pathToFileURL(`${process.cwd()}/app.js`).href].filter(
    (place) => place !== undefined,
  )

/** The package's name, without a path within it: `@scope/name/file` is `@scope/name`. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/**
 * The file of an optional peer dependency.
 *
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: it is not installed; the message names the `npm install` to run
 */
export const resolvePeer = (name: string): string => {
  for (const place of places()) {
    try {
      return createRequire(place).resolve(name)
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  const install = packageOf(name)
  throw new PredictionsError(
    'PREDICTIONS_MISSING_PACKAGE',
    `The package ${install} is not installed: npm install ${install}`,
  )
}

/**
 * An optional peer dependency, loaded now: a driver that is missing should be known when the sink is made, not at the first write.
 *
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: it is not installed; the message names the `npm install` to run
 * @example
 * const pg = requirePeer('pg') as typeof import('pg')
 */
export const requirePeer = (name: string): unknown => {
  const file = resolvePeer(name)
  return createRequire(file)(file)
}
