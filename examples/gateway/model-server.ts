/**
 * A stand-in for KServe, Triton or TensorFlow Serving, whose model adds an instance's numbers up:
 *
 *     POST /v1/models/sum:predict           KServe V1, TensorFlow Serving: {"instances": [[1, 2], [3, 4]]}
 *     POST /v2/models/sum/infer             Open Inference V2, as JSON or with the binary tensor extension
 *     POST /v2/models/sum/generate_stream   Triton's generate extension: server-sent events, one for each partial sum
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'

interface Tensor {
  name: string
  shape: number[]
  datatype: string
  data?: number[]
  parameters?: { binary_data_size?: number }
}

interface InferRequest {
  id?: string
  inputs: Tensor[]
  parameters?: { binary_data_output?: boolean }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const replyJson = (req: IncomingMessage, res: ServerResponse, status: number, value: unknown): void => {
  const json = Buffer.from(JSON.stringify(value))
  const zips = /\bgzip\b/.test(req.headers['accept-encoding'] ?? '')
  res.writeHead(status, { 'content-type': 'application/json', ...(zips && { 'content-encoding': 'gzip' }) })
  res.end(zips ? gzipSync(json) : json)
}

const predict = (body: Buffer, req: IncomingMessage, res: ServerResponse): void => {
  const { instances } = JSON.parse(body.toString()) as { instances: number[][] }
  replyJson(req, res, 200, { predictions: instances.map(sum) })
}

/** Of binary tensors the bytes (FP32, little-endian) stand behind the JSON, whose length the header gives. */
const infer = (body: Buffer, req: IncomingMessage, res: ServerResponse): void => {
  const head = Number(req.headers['inference-header-content-length'] ?? body.length)
  const { id, inputs, parameters } = JSON.parse(body.toString('utf8', 0, head)) as InferRequest
  const [{ shape, data }] = inputs as [Tensor]
  const [rows = 0, width = 1] = shape
  const valueAt = (i: number): number => data?.[i] ?? body.readFloatLE(head + 4 * i)
  const sums = Array.from({ length: rows }, (_, row) =>
    sum(Array.from({ length: width }, (_, column) => valueAt(row * width + column))),
  )
  const reply = (tensor: Omit<Tensor, 'name' | 'shape' | 'datatype'>) => ({
    model_name: 'sum',
    model_version: '1',
    ...(id !== undefined && { id }),
    outputs: [{ name: 'sum', shape: [rows], datatype: 'FP32', ...tensor }],
  })
  if (parameters?.binary_data_output !== true) return replyJson(req, res, 200, reply({ data: sums }))
  const json = Buffer.from(JSON.stringify(reply({ parameters: { binary_data_size: 4 * rows } })))
  res.writeHead(200, { 'content-type': 'application/octet-stream', 'inference-header-content-length': json.length })
  res.end(Buffer.concat([json, Buffer.from(Float32Array.from(sums).buffer)]))
}

const generate = async (body: Buffer, res: ServerResponse): Promise<void> => {
  const { values } = JSON.parse(body.toString()) as { values: number[] }
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let n = 1; n <= values.length; n++) {
    res.write(`data: ${JSON.stringify({ sum: sum(values.slice(0, n)) })}\n\n`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  res.end()
}

const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
  const body = await buffer(req)
  if (req.url === '/v1/models/sum:predict') return predict(body, req, res)
  if (req.url === '/v2/models/sum/infer') return infer(body, req, res)
  if (req.url === '/v2/models/sum/generate_stream') return generate(body, res)
  replyJson(req, res, 404, { error: 'there is no such model' })
}

const server = createServer((req, res) => {
  handle(req, res).catch((error: Error) => {
    if (res.headersSent) res.destroy(error)
    else replyJson(req, res, 400, { error: error.message })
  })
})

const port = Number(process.env['PORT'] ?? 8080)
server.listen(port, () => console.log(`model server on http://localhost:${port}`))
