/** What could not be stored as it came, with the reason. */
export interface ExtraValue {
  readonly value?: unknown
  readonly reason: string
}
