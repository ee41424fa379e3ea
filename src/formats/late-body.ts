import type { Steps } from '../steps/time-slices.ts'

/** A body that takes long to be had in full: it is made at the end of its request, in steps. */
export abstract class LateBody {
  /** Makes it. Never throws; to be called once, unless `drop` is. */
  abstract read(): Steps<unknown>
  /** Nobody wants it: lets go of what it holds. */
  abstract drop(): void
}
