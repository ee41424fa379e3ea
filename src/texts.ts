/** The JSON texts of one side's instances, in order. An array of them is one. */
export interface Texts {
  readonly length: number
  at(i: number): string | undefined
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

  /** Quick for those that follow one another: the chunk of the last one is kept, split. */
  at(i: number): string | undefined {
    if (i >= this.#length) return undefined
    const place = i % this.#step
    const chunk = (i - place) / this.#step
    if (this.#split?.chunk !== chunk) this.#split = { chunk, texts: this.#chunks[chunk]!.split('\n') }
    return this.#split.texts[place]
  }
}

/** n empty objects. */
export const emptyTexts = (n: number): Texts => ({ length: n, at: (i) => (i < n ? '{}' : undefined) })
