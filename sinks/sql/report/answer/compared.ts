import type { OpenGroup } from '../../../../src/report/tally/group.ts'
import type { KeySet } from '../grouped.ts'

/** The groups that keys name. */
export type GroupsOf = (keys: readonly unknown[]) => readonly OpenGroup[]

/** Predictions against actuals, as keys and sums over rows `p` with their actuals `a`. */
export interface Compared {
  /** Expressions over the rows, by name. */
  readonly names: Readonly<Record<string, string>>
  /**
   * More, each over the names of those before; those that all questions have are `f` (whether it failed) and `has` (whether there is an actual). They
   * give `m`: 1 where prediction and actual can be compared, else 0.
   */
  readonly layers: readonly Readonly<Record<string, string>>[]
  /** What is added up beside the rows. */
  readonly sums: readonly string[]
  /** Sets of keys below those that tell groups apart. */
  sets(by: readonly string[], groupsOf: GroupsOf): readonly KeySet[]
}
