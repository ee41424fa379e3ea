import type { FormatReply, FormatRequest } from '../../src/formats/format.ts'
import { chooseFormat } from '../../src/formats/index.ts'

interface Options {
  contentType?: string
  headers?: Record<string, string>
  featureNames?: readonly string[]
  outputNames?: readonly string[]
}

const message = (body: unknown, { contentType = 'application/json', headers = {} }: Options) => ({
  body,
  contentType,
  header: (name: string) => headers[name],
})

export const requestOf = (body: unknown, options: Options = {}): FormatRequest => ({
  ...message(body, options),
  featureNames: options.featureNames ?? [],
  outputNames: options.outputNames ?? [],
})

export const replyOf = (body: unknown, options: Options = {}): FormatReply => ({
  ...message(body, options),
  status: 200,
})

/** Reads a request and its reply as capture does, by `auto` unless told otherwise. */
export const readBoth = (request: FormatRequest, reply: FormatReply, setting = 'auto') => {
  const format = chooseFormat(setting, request)
  const asked = format.readRequest(request)
  const replied = format.readReply(reply, asked)
  return {
    format: format.name,
    ...asked,
    ...replied,
    tags: { ...asked.tags, ...replied.tags },
    extra: { ...asked.extra, ...replied.extra },
  }
}

/** A body of the Open Inference protocol's binary extension, with its header. */
export const binaryBody = (json: unknown, ...tensors: Uint8Array[]) => {
  const head = Buffer.from(JSON.stringify(json))
  return {
    body: Buffer.concat([head, ...tensors]),
    headers: { 'inference-header-content-length': String(head.length) },
  }
}
