import { LateBody } from '../formats/late-body.ts'
import { Snapshot } from '../formats/snapshot.ts'
import { isMembers, type Members } from '../records/members.ts'
import type { Steps } from '../steps/time-slices.ts'
import { createFileDigests, type FileDigests } from './file-digests.ts'

/** Notes for `extra` why a value is missing. */
export type Note = (path: string, reason: string) => void

/** A field as @fastify/multipart attaches it to the body. */
const isFieldPart = (value: Members): boolean => value['type'] === 'field' && 'fieldname' in value && 'value' in value

/** A file as @fastify/multipart attaches it to the body: no client can make one of a field. */
const isFilePart = (value: Members): boolean => typeof value['toBuffer'] === 'function' && 'mimetype' in value

/** A file as multer, formidable (koa-body) and `saveRequestFiles` of @fastify/multipart put it beside the body. */
const isFile = (value: Members): boolean =>
  typeof value['mimetype'] === 'string' &&
  ('originalname' in value || 'originalFilename' in value || 'filename' in value)

const fileBytes = (file: Members): Buffer | undefined =>
  [file['buffer'], file['_buf']].find((bytes): bytes is Buffer => Buffer.isBuffer(bytes))

const filePath = (file: Members): string | undefined =>
  [file['path'], file['filepath']].find((path): path is string => typeof path === 'string')

/** Makes features of a form. What is in its body may be a client's own words: only what stands beside it names files to read. */
const createFormReader = (digests: FileDigests, note: Note) => {
  const withDigest = (field: string, of: Members, from: Buffer | string | undefined): Members => {
    if (from === undefined) return of
    const description: Record<string, unknown> = { ...of }
    digests.add({
      from,
      tell(sha256, size) {
        description['size'] ??= size
        description['sha256'] = sha256
      },
      fail: (reason) => note(`features.${field}.sha256`, reason),
    })
    return description
  }

  /** Of a file only what it is: its name, its type, its size in bytes, and its digest. */
  const describe = (field: string, file: Members, path?: string): Members => {
    const bytes = fileBytes(file)
    const of = {
      name: file['originalname'] ?? file['originalFilename'] ?? file['filename'] ?? null,
      type: file['mimetype'] ?? null,
      size: bytes?.length ?? file['size'] ?? null,
    }
    return withDigest(field, of, bytes ?? path)
  }

  const ofBody = (field: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => ofBody(field, item))
    if (Buffer.isBuffer(value)) return withDigest(field, { size: value.length }, value)
    if (!isMembers(value)) return value
    if (isFieldPart(value)) return ofBody(field, value['value'])
    // A form that is read at the end has its fields as they are now.
    return isFilePart(value) ? describe(field, value) : new Snapshot(value).value
  }

  const ofFile = (field: string, value: unknown): unknown => {
    // Multer's `fields` gives a list of one, `any` and others do not: a form with one file reads the same by all.
    if (Array.isArray(value))
      return value.length === 1 ? ofFile(field, value[0]) : value.map((item) => ofFile(field, item))
    return isMembers(value) && isFile(value) ? describe(field, value, filePath(value)) : undefined
  }

  return { ofBody, ofFile }
}

const entriesOf = (members: unknown): [string, unknown][] => (isMembers(members) ? Object.entries(members) : [])

const fieldOf = (file: Members): string => String(file['fieldname'] ?? 'file')

/** Files by their fields: one of multer's is the file itself, a list of them has the field's name in each. */
const filesByField = (files: unknown): [string, unknown][] => {
  if (isMembers(files) && isFile(files)) return [[fieldOf(files), files]]
  if (!Array.isArray(files)) return entriesOf(files)
  const byField = Map.groupBy(files.filter(isMembers), fieldOf)
  return [...byField]
}

/** A form whose files' digests are made at the end. */
class FormWithFiles extends LateBody {
  readonly #form: Members
  readonly #digests: FileDigests

  constructor(form: Members, digests: FileDigests) {
    super()
    this.#form = form
    this.#digests = digests
  }

  override *read(): Steps<unknown> {
    yield* this.#digests.steps()
    return this.#form
  }

  override drop(): void {
    this.#digests.drop()
  }
}

/**
 * A multipart form as features: the values of its fields, and what its files are: name, type, size and SHA-256. Parsers leave objects
 * of their own, with streams and circles in them.
 *
 * @param files what the parser has put beside the body
 * @returns undefined: there is none
 */
export const formOf = (body: unknown, files: unknown, note: Note): Members | LateBody | undefined => {
  const digests = createFileDigests()
  const { ofBody, ofFile } = createFormReader(digests, note)
  const entries = [
    ...entriesOf(body).map(([name, value]) => [name, ofBody(name, value)] as const),
    ...filesByField(files).map(([name, value]) => [name, ofFile(name, value)] as const),
  ].filter(([, value]) => value !== undefined)
  if (entries.length === 0) return undefined
  const form = Object.fromEntries(entries)
  return digests.isLate ? new FormWithFiles(form, digests) : form
}
