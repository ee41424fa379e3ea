import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream'
import type { Request, RequestHandler } from 'express'

/** Headers of one connection, not of the message (RFC 9110, section 7.6.1): each side has its own. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']) // prettier-ignore

const endToEnd = (headers: IncomingHttpHeaders) =>
  Object.entries(headers).filter(
    (header): header is [string, string | string[]] => header[1] !== undefined && !HOP_BY_HOP.has(header[0]),
  )

/**
 * Hands requests on to `upstream`, and its replies back: streamed both ways, byte for byte, compressed or not. Nothing here knows
 * that predictions are captured; the middleware watches the bytes as they pass.
 *
 * @param onReply is told of each reply before its body comes
 */
export const proxyTo =
  (upstream: URL, onReply?: (reply: IncomingMessage, req: Request) => void): RequestHandler =>
  (req, res) => {
    const { hostname, port } = upstream
    const headers = Object.fromEntries(endToEnd({ ...req.headers, host: upstream.host }))
    const forward = request({ hostname, port, method: req.method, path: req.originalUrl, headers })

    const fail = (error: Error): void => {
      if (res.headersSent) res.destroy(error)
      else res.status(502).json({ error: `the model server failed: ${error.message}` })
    }
    forward.once('response', (reply) => {
      res.status(reply.statusCode ?? 502)
      for (const [name, value] of endToEnd(reply.headers)) res.setHeader(name, value)
      onReply?.(reply, req)
      pipeline(reply, res, () => forward.destroy())
    })
    forward.once('error', fail)
    // The client went away: the model need not go on.
    res.once('close', () => forward.destroy())
    pipeline(req, forward, () => {})
  }
