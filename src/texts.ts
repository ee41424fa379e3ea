/** The JSON texts of one side's instances, in order. An array of them is one. */
export interface Texts {
  readonly length: number
  slice(from: number, to: number): readonly string[]
}

/**
 * JSON texts, which have no line breaks, kept in few strings: so many of their own, each to outlive its step, would keep the garbage
 * collector busy for long.
 */
export class JoinedTexts implements Texts {
  readonly #step: number
  readonly #chunks: string[] = []
  #length = 0
  #split: { readonly chunk: number; readonly texts: readonly string[] } | undefined

  /** @param step how many are pushed at once: all but the last time exactly so many */
  constructor(step: number) {
    this.#step = step
  }

  get length(): number {
    return this.#length
  }

  push(texts: readonly string[]): void {
    this.#chunks.push(texts.join('\n'))
    this.#length += texts.length
  }

  slice(from: number, to: number): readonly string[] {
    const texts: string[] = []
    const end = Math.min(to, this.#length)
    for (let at = from; at < end;) {
      const start = at % this.#step
      const some = this.#textsOf((at - start) / this.#step).slice(start, start + end - at)
      texts.push(...some)
      at += some.length
    }
    return texts
  }

  /** The last one asked for is kept: who reads all reads a chunk several times. */
  #textsOf(chunk: number): readonly string[] {
    if (this.#split?.chunk !== chunk) this.#split = { chunk, texts: this.#chunks[chunk]!.split('\n') }
    return this.#split.texts
  }
}

/** n empty objects. */
export const emptyTexts = (n: number): Texts => ({
  length: n,
  slice: (from, to) => Array.from({ length: Math.max(0, Math.min(to, n) - from) }, () => '{}'),
})
