/** A task that is not begun again while it runs: who calls meanwhile gets the same promise. */
export const oneAtATime = (task: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined
  return () => (running ??= task().finally(() => (running = undefined)))
}
