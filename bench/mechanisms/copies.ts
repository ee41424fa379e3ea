import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A place of the sources, and what stands there in a copy. */
export interface Replacement {
  /** From the project's root. */
  readonly file: string
  /** It stands there once. */
  readonly text: string
  readonly by: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = ['src', 'integrations', 'sinks', 'bench']

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly import: { readonly default: string } }>>
}

/** The package by its public names, as its sources are run. */
const manifest = (): object => {
  const { exports, ...given } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const sourceOf = (built: string) => built.replace('./dist/', './').replace(/\.js$/, '.ts')
  const sources = Object.entries(exports).flatMap(([name, entry]) =>
    typeof entry === 'string' ? [] : [[name, sourceOf(entry.import.default)] as const],
  )
  return { ...given, exports: Object.fromEntries(sources) }
}

/**
 * A file of the sources with its replacement.
 * @throws Error when the text does not stand in it once: then the benchmark has to be brought up to date
 */
export const replaced = ({ file, text, by }: Replacement, folder: string = root): string => {
  const parts = readFileSync(join(folder, file), 'utf8').split(text)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, and not once: ${text}`)
  return parts.join(by)
}

const base = mkdtempSync(join(tmpdir(), 'capture-bench-mechanisms-'))
process.on('exit', () => rmSync(base, { recursive: true, force: true }))
let copies = 0

/** Copies the sources, with replacements. @returns the copy's folder, which is gone at the end of the process */
export const copySources = (replacements: readonly Replacement[]): string => {
  const folder = join(base, String(copies++))
  mkdirSync(folder)
  for (const name of FOLDERS) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest()))
  for (const replacement of replacements) writeFileSync(join(folder, replacement.file), replaced(replacement, folder))
  return folder
}
