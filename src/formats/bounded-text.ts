import { createHash, type Hash } from 'node:crypto'
import type { Shortened } from '../records/cut.ts'

/** A text that grows: past its limit only its length and digest are kept, as of every text that is too long to be stored. */
export class BoundedText {
  readonly #limit: number
  #text = ''
  #length = 0
  #hash: Hash | undefined

  /** @param limit in UTF-16 code units */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(text: string): void {
    this.#length += text.length
    if (this.#hash === undefined && this.#length > this.#limit) {
      this.#hash = createHash('sha256').update(this.#text)
      this.#text = ''
    }
    if (this.#hash === undefined) this.#text += text
    else this.#hash.update(text)
  }

  get isTooLong(): boolean {
    return this.#hash !== undefined
  }

  get value(): string | Shortened {
    if (this.#hash === undefined) return this.#text
    return { shape: [this.#length], type: 'string', sha256: this.#hash.copy().digest('hex') }
  }
}
