import Koa from 'koa'
import Router, { type RouterMiddleware } from '@koa/router'
import { bodyParser } from '@koa/bodyparser'
import closeWithGrace from 'close-with-grace'
import { capturePredictions, receiveActuals } from 'capture-predictions/koa'
import { predict, schema, summary, toFlower } from './model.ts'
import { closeSite, dataset, files, latestRows } from './site.ts'
import { hasToken } from './token.ts'

const predictions = capturePredictions({ schema, flushIntervalMs: 200 })
const app = new Koa()

app.use(async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    const { status = 500, message } = error as { status?: number; message: string }
    ctx.status = status
    ctx.body = { error: status < 500 ? message : 'internal error' }
  }
})
app.use(bodyParser())
app.use(predictions)

const router = new Router()
router.post('/predict', (ctx) => {
  const { prediction, confidence } = predict(toFlower(ctx.request.body))
  // Stored, although the reply does not carry it.
  ctx.prediction?.set({ confidence })
  ctx.body = { prediction }
})

const requireToken: RouterMiddleware = (ctx, next) => {
  if (!hasToken(ctx.get('authorization'))) ctx.throw(401, 'who reports actuals needs the token')
  return next()
}
router.post('/actuals', requireToken, receiveActuals(predictions))

for (const { path, type, text } of files)
  router.get(path, (ctx) => {
    ctx.type = type
    ctx.body = text
  })
router.get('/flowers', (ctx) => void (ctx.body = dataset))
router.get('/rows', async (ctx) => void (ctx.body = await latestRows()))
app.use(router.routes())

const port = Number(process.env['PORT'] ?? 3000)
const server = app.listen(port, () => console.log(`iris on http://localhost:${port} (Koa): ${summary}`))

closeWithGrace({ delay: 10_000 }, async () => {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeIdleConnections()
  })
  await predictions.capture.close({ timeout: 8000 })
  await closeSite()
})
