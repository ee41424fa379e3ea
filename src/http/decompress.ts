import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { zstdDecompressSync } from '../node.ts'

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer

/** Content codings of RFC 9110 (8.4.1), RFC 7932 and RFC 8878, as far as this Node.js knows them. */
const codings: Readonly<Record<string, Decompress | undefined>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

/**
 * The bytes of a body behind its Content-Encoding, or the reason why they can't be had. Never throws.
 * @param maxBytes a small body may unpack to a huge one: of more than this nothing is unpacked
 */
export const decompress = (
  bytes: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): { bytes: Buffer } | { bytes: undefined; reason: string } => {
  const name = (encoding ?? '').trim().toLowerCase()
  if (name === '' || name === 'identity') return { bytes }
  const coding = Object.hasOwn(codings, name) ? codings[name] : undefined
  if (coding === undefined) return { bytes: undefined, reason: `content-encoding ${name} is not known` }
  try {
    return { bytes: coding(bytes, { maxOutputLength: maxBytes }) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      return { bytes: undefined, reason: `larger than PREDICTIONS_MAX_BODY_BYTES behind its content-encoding ${name}` }
    return { bytes: undefined, reason: `content-encoding ${name}: ${(error as Error).message}` }
  }
}
