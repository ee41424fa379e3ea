import { accessSync, constants, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf } from '../errors/errors.ts'
import { Unreadable } from './kinds.ts'

/** The JSON of a file, or why it can't be had, with the file's name and the mistake's line. */
export const readJsonFile = (path: string): unknown => {
  let text: string
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    return new Unreadable(`${path} can't be read: ${messageOf(error)}`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    return new Unreadable(`${path}, line ${lineOfMistake(text)}: ${messageOf(error)}`)
  }
}

/**
 * The line where JSON text goes wrong. `JSON.parse` tells the position for some mistakes only, so it is searched for: the
 * mistake is at the end of the shortest beginning of the text that nothing could complete.
 */
const lineOfMistake = (text: string): number => {
  let good = 0
  let bad = text.length
  while (good + 1 < bad) {
    const middle = (good + bad) >> 1
    if (canGoOn(text.slice(0, middle))) good = middle
    else bad = middle
  }
  return text.slice(0, bad).trimEnd().split('\n').length
}

/** Whether text is the beginning of some JSON: it parses, or what is wrong with it is only that it ends. */
const canGoOn = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    const message = messageOf(error)
    const position = /at position (\d+)/.exec(message)?.[1]
    return message.includes('end of JSON input') || (position !== undefined && Number(position) >= text.length)
  }
}

/** Why a file can't be read; undefined: it can. */
export const fileMistake = (path: string): string | undefined => {
  try {
    accessSync(path, constants.R_OK)
    return undefined
  } catch (error) {
    return `can't be read: ${messageOf(error)}`
  }
}

/** The name in the package.json that is nearest to a folder, upwards; undefined: there is none with a name. */
export const nearestPackageName = (folder: string): string | undefined => {
  const name = packageName(join(folder, 'package.json'))
  if (name !== undefined) return name
  const parent = dirname(folder)
  return parent === folder ? undefined : nearestPackageName(parent)
}

const packageName = (path: string): string | undefined => {
  try {
    const { name } = JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown }
    return typeof name === 'string' && name !== '' ? name : undefined
  } catch {
    // Absent, unreadable or not JSON: the model's name is no reason to stop a service.
    return undefined
  }
}
