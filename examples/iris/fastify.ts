import Fastify from 'fastify'
import closeWithGrace from 'close-with-grace'
import capturePredictions from 'capture-predictions/fastify'
import { predict, schema, summary, type Flower } from './model.ts'
import { closeSite, dataset, latestRows, page } from './site.ts'

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

app.get('/', async (_request, response) => response.type('text/html').send(page))
app.get('/flowers', async () => dataset)
app.get('/rows', async () => latestRows())
app.addHook('onClose', closeSite)

const port = Number(process.env['PORT'] ?? 3000)
await app.listen({ port })
console.log(`iris on http://localhost:${port} (Fastify): ${summary}`)

closeWithGrace({ delay: 10_000 }, () => app.close())
