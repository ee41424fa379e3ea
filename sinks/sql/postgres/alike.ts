import type { ExistingColumn } from '../dialect.ts'

/** A uuid and a text can't be compared as they are. */
export const alike = (
  quoted: string,
  column: Pick<ExistingColumn, 'type'>,
  as: Pick<ExistingColumn, 'type'>,
): string => (column.type === 'uuid' && as.type !== 'uuid' ? `${quoted}::text` : quoted)
