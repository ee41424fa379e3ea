/** Numbers from 0 up to 1 that look random, and are the same for the same seed (xorshift, Marsaglia 2003). */
export const createRandom = (seed: number): (() => number) => {
  // Never 0, where it would stay.
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** A number of the normal distribution with mean 0 and standard deviation 1 (Box and Muller, 1958). */
export const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
