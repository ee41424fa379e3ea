import { expect, it } from 'vitest'
import { replaced } from '../../bench/mechanisms/copies.ts'
import { mechanisms } from '../../bench/mechanisms/list.ts'

const replacements = Object.values(mechanisms).flatMap(({ without }) => Object.values(without).flat())

it.each(replacements)('npm run bench mechanisms finds what it replaces: $file, $text', (replacement) => {
  expect(replaced(replacement)).not.toBe('')
})
