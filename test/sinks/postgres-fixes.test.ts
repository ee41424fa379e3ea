import { expect, it } from 'vitest'
import { fixFor } from '../../sinks/sql/postgres/errors.ts'

/** An error as pg gives it. */
const serverError = (message: string, rest: object = {}): Error => Object.assign(new Error(message), rest)

it("a parameter that PgBouncer does not know is named, and where it goes instead (PgBouncer 1.18's words)", () => {
  const error = serverError('unsupported startup parameter: statement_timeout', { code: '08P01' })
  expect(fixFor(error)).toMatch(/leave statement_timeout out of the URL.*alter role .*ignore_startup_parameters/)
})

it('a partition that is missing is named by its time, and by no value of another column', () => {
  const noPartition = (detail: string) =>
    serverError('no partition of relation "p" found for row', { code: '23514', routine: 'ExecFindPartition', detail })
  const told = fixFor(
    noPartition('Partition key of the failing row contains ("timestamp") = (2026-11-23 00:00:00+00).'),
  )
  expect(told).toMatch(/add a partition for 2026-11-23 00:00:00\+00 and what is to come; records wait/)
  expect(fixFor(noPartition('Partition key of the failing row contains (patient) = (Ann).'))).not.toContain('Ann')
})
