/** A value that its column can't take as it is. */
export class Misfit {
  readonly reason: string
  /** What the column holds instead: the nearest it can, or null. */
  readonly stored: unknown

  constructor(reason: string, stored: unknown = null) {
    this.reason = reason
    this.stored = stored
  }
}
