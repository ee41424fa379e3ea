import { createHash } from 'node:crypto'

type Members = Readonly<Record<string, unknown>>

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)

/** A field as @fastify/multipart attaches it to the body. */
const isFieldPart = (value: Members): boolean => value['type'] === 'field' && 'fieldname' in value && 'value' in value

/** A file as @fastify/multipart, multer or formidable (koa-body) know it. */
const isFile = (value: Members): boolean =>
  typeof value['mimetype'] === 'string' &&
  ('originalname' in value || 'originalFilename' in value || 'filename' in value)

const fileBytes = (file: Members): Buffer | undefined =>
  [file['buffer'], file['_buf']].find((bytes): bytes is Buffer => Buffer.isBuffer(bytes))

/** A digest takes its time: a file of more bytes than a body may have has none. */
const digestOf = (bytes: Buffer | undefined, maxBytes: number): Members =>
  bytes === undefined || bytes.length > maxBytes ? {} : { sha256: createHash('sha256').update(bytes).digest('hex') }

/** Of a file only what it is: its name, its size in bytes, and its digest where it is in memory. */
const describeFile = (file: Members, maxBytes: number): Members => {
  const bytes = fileBytes(file)
  return {
    name: file['originalname'] ?? file['originalFilename'] ?? file['filename'] ?? null,
    type: file['mimetype'],
    size: bytes?.length ?? file['size'] ?? null,
    ...digestOf(bytes, maxBytes),
  }
}

const describeBytes = (bytes: Buffer, maxBytes: number): Members => ({
  size: bytes.length,
  ...digestOf(bytes, maxBytes),
})

const plain = (value: unknown, maxBytes: number): unknown => {
  if (Array.isArray(value)) return value.map((item) => plain(item, maxBytes))
  if (Buffer.isBuffer(value)) return describeBytes(value, maxBytes)
  if (!isMembers(value)) return value
  if (isFieldPart(value)) return value['value']
  return isFile(value) ? describeFile(value, maxBytes) : value
}

const entriesOf = (members: unknown): [string, unknown][] => (isMembers(members) ? Object.entries(members) : [])

/** Files by their fields: one of multer's is the file itself, a list of them has the field's name in each. */
const filesByField = (files: unknown): [string, unknown][] => {
  if (isMembers(files) && isFile(files)) return [[String(files['fieldname'] ?? 'file'), files]]
  if (!Array.isArray(files)) return entriesOf(files)
  const byField = Map.groupBy(files as Members[], (file) => String(file['fieldname'] ?? 'file'))
  return Array.from(byField, ([field, all]) => [field, all.length === 1 ? all[0] : all])
}

/**
 * A multipart form as features: the values of its fields, and what its files are. Parsers leave objects of their own, with streams
 * and circles in them.
 *
 * @param files what the parser has put beside the body
 * @param maxBytes a larger file has no digest
 */
export const formOf = (body: unknown, files: unknown, maxBytes: number): Members =>
  Object.fromEntries(
    [...entriesOf(body), ...filesByField(files)].map(([name, value]) => [name, plain(value, maxBytes)]),
  )
