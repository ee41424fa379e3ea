import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'

/** A body seen in passing: its bytes, or past the limit only its size and digest. */
export type TappedBody =
  { readonly bytes: Buffer } | { readonly bytes: undefined; readonly size: number; readonly sha256: string }

export interface Tap {
  /** A chunk that goes by. What is kept of it is a copy: its owner may use the memory again. */
  push(chunk: unknown, encoding?: unknown): void
  /** Undefined: nothing went by. */
  body(): TappedBody | undefined
}

const bufferEncoding = (encoding: unknown): BufferEncoding =>
  typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'

/** Watches a body without holding it up; keeps at most `limit` bytes. */
export const createTap = (limit: number): Tap => {
  let chunks: Buffer[] = []
  let size = 0
  let hash: Hash | undefined

  const spill = (): Hash => {
    const digest = createHash('sha256')
    for (const chunk of chunks) digest.update(chunk)
    chunks = []
    return digest
  }

  return {
    push(chunk, encoding) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, bufferEncoding(encoding)) : chunk
      if (!(bytes instanceof Uint8Array)) return
      size += bytes.length
      if (size > limit) hash ??= spill()
      if (hash !== undefined) hash.update(bytes)
      else chunks.push(bytes === chunk ? Buffer.from(bytes) : (bytes as Buffer))
    },
    body() {
      if (size === 0) return undefined
      if (hash !== undefined) return { bytes: undefined, size, sha256: hash.copy().digest('hex') }
      return { bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size) }
    },
  }
}

/**
 * Taps a stream that somebody else reads, now or later: `data` is emitted for every chunk, however it is consumed.
 * A listener for it would start the flow, so the emission itself is watched.
 *
 * @param failed told of a fault of ours, which must not reach the stream's owner
 */
export const tapStream = (stream: Readable, limit: number, failed: (error: unknown) => void): Tap => {
  const tap = createTap(limit)
  const { emit } = stream
  const push = (chunk: unknown): void => {
    try {
      tap.push(chunk)
    } catch (error) {
      failed(error)
    }
  }
  // Not assigned as it is written: V8 would make it in the old generation (see `watchResponse`).
  const watched = function (this: Readable, event: string | symbol, ...args: unknown[]) {
    if (event === 'data') push(args[0])
    return emit.call(this, event, ...args)
  }
  stream.emit = watched as typeof emit
  return tap
}
