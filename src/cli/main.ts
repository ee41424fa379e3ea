#!/usr/bin/env node
import { hasCode } from '../errors/errors.ts'

// Loaded here, so that a Node.js which is too old for it gets a line to read and no stack.
try {
  const [{ run }, { terminal }] = await Promise.all([import('./run.ts'), import('./terminal.ts')])
  process.exitCode = await run(process.argv.slice(2), terminal)
} catch (error) {
  if (!hasCode(error, 'PREDICTIONS_OLD_NODE')) throw error
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
