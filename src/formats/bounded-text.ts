import { createHash, type Hash } from 'node:crypto'
import type { Shortened } from '../records/cut.ts'

/** The room that several texts share, in UTF-16 code units. */
export interface TextBudget {
  left: number
}

/** A text that grows: past its limit only its length and digest are kept, as of every text that is too long to be stored. */
export class BoundedText {
  readonly #budget: TextBudget
  #text = ''
  #length = 0
  #hash: Hash | undefined

  constructor(budget: TextBudget) {
    this.#budget = budget
  }

  add(text: string): void {
    this.#length += text.length
    this.#budget.left -= text.length
    if (this.#hash === undefined && this.#budget.left < 0) {
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
