import { createHash } from 'node:crypto'
import type { Steps } from '../steps/time-slices.ts'

/** The JSON texts of the instances of a request, or of a reply, in order. An array of strings is one too. */
export interface TextList {
  readonly length: number
  at(i: number): string | undefined
}

/** More texts than this are kept in few strings. */
const MANY = 8192

/**
 * JSON texts, which have no line breaks. Very many are joined into few strings: as strings of their own, all would outlive their step and
 * keep the garbage collector busy.
 */
export class JoinedTexts implements TextList {
  readonly #step: number
  readonly #chunks: (string | readonly string[])[] = []
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
    this.#chunks.push(this.#length < MANY ? texts : texts.join('\n'))
    this.#length += texts.length
  }

  /** Quick in ascending order: the last chunk stays split. */
  at(i: number): string | undefined {
    if (i >= this.#length) return undefined
    const place = i % this.#step
    const chunk = (i - place) / this.#step
    const texts = this.#chunks[chunk]!
    if (typeof texts !== 'string') return texts[place]
    if (this.#split?.chunk !== chunk) this.#split = { chunk, texts: texts.split('\n') }
    return this.#split.texts[place]
  }
}

/** n empty objects. */
export const emptyTexts = (n: number): TextList => ({ length: n, at: (i) => (i < n ? '{}' : undefined) })

/** How much text is hashed in a step, in UTF-16 code units. */
const STEP = 256 * 1024

/** The length of texts as UTF-8, each with a line break behind it, and their digest. */
export const digestInSteps = function* (texts: TextList): Steps<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  let chunk = ''
  const flush = (): void => {
    hash.update(chunk)
    bytes += Buffer.byteLength(chunk)
    chunk = ''
  }
  for (let i = 0; i < texts.length; i++) {
    chunk += `${texts.at(i)}\n`
    if (chunk.length < STEP) continue
    flush()
    yield
  }
  flush()
  return { bytes, sha256: hash.digest('hex') }
}
