import Fastify, { type onRequestAsyncHookHandler } from 'fastify'
import closeWithGrace from 'close-with-grace'
import capturePredictions, { receiveActuals } from 'capture-predictions/fastify'
import { predict, schema, summary, type Flower } from './model.ts'
import { closeSite, dataset, files, latestRows } from './site.ts'
import { hasToken } from './token.ts'

const app = Fastify({ forceCloseConnections: 'idle' })
await app.register(capturePredictions, { schema, flushIntervalMs: 200 })

const reply = { type: 'object', properties: { prediction: { type: 'integer' } } }
app.post<{ Body: Flower }>(
  '/predict',
  { schema: { body: schema.features, response: { 200: reply } } },
  async (request) => {
    const { prediction, confidence } = predict(request.body)
    // Stored, although the reply's schema strips it.
    return { prediction, confidence }
  },
)

const requireToken: onRequestAsyncHookHandler = async (request, response) => {
  if (!hasToken(request.headers.authorization))
    return response.code(401).send({ error: 'who reports actuals needs the token' })
}
app.post('/actuals', { onRequest: requireToken }, receiveActuals(app.predictions))

for (const { path, type, text } of files) app.get(path, async (_request, response) => response.type(type).send(text))
app.get('/flowers', async () => dataset)
app.get('/rows', async () => latestRows())
app.addHook('onClose', closeSite)

const port = Number(process.env['PORT'] ?? 3000)
await app.listen({ port })
console.log(`iris on http://localhost:${port} (Fastify): ${summary}`)

closeWithGrace({ delay: 10_000 }, () => app.close())
