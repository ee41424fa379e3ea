import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer

/** Content codings of RFC 9110 (8.4.1), RFC 7932 and RFC 8878, as far as this Node.js knows them. */
const codings: Readonly<Record<string, Decompress | undefined>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

/** A small body may unpack to a huge one: what it may unpack to, in bytes, blocks the event loop for a few milliseconds. */
const MAX_OUTPUT = 4 * 1024 * 1024

/** The bytes of a body behind its Content-Encoding, or the reason why they can't be had. Never throws. */
export const decompress = (
  bytes: Buffer,
  encoding: string | undefined,
): { bytes: Buffer } | { bytes: undefined; reason: string } => {
  const name = (encoding ?? '').trim().toLowerCase()
  if (name === '' || name === 'identity') return { bytes }
  const coding = Object.hasOwn(codings, name) ? codings[name] : undefined
  if (coding === undefined) return { bytes: undefined, reason: `content-encoding ${name} is not known` }
  try {
    return { bytes: coding(bytes, { maxOutputLength: MAX_OUTPUT }) }
  } catch (error) {
    return { bytes: undefined, reason: `content-encoding ${name}: ${(error as Error).message}` }
  }
}
