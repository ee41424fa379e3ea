import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import {
  BadRequestException,
  Body,
  Catch,
  Controller,
  HttpCode,
  Module,
  Post,
  ValidationPipe,
  type ArgumentsHost,
} from '@nestjs/common'
import { BaseExceptionFilter, HttpAdapterHost, NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { IsNotEmpty, IsNumber } from 'class-validator'
import { describe, expect, it } from 'vitest'
import type { Capture, Prediction } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { comparable, rawReply } from '../http/raw.ts'
import { cleanup, testCapture } from '../setup/captures.ts'

/** Decorators are applied by hand: no compiler here makes their metadata. */
class Flower {
  readonly length!: number
  readonly name!: string
}
IsNumber()(Flower.prototype, 'length')
IsNotEmpty()(Flower.prototype, 'name')

class Predictions {
  predict(flower: Flower) {
    if (flower.name === 'broken') throw new Error('the model broke')
    return { prediction: flower.length }
  }
}

/** Tells the real error, which NestJS hides from the client. */
class Telling extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<{ prediction?: Prediction }>()
    if (!(error instanceof BadRequestException)) request.prediction?.fail(error)
    super.catch(error, host)
  }
}
Catch()(Telling)
Reflect.defineMetadata('design:paramtypes', [HttpAdapterHost], Telling)

const of = [Predictions.prototype, 'predict', Object.getOwnPropertyDescriptor(Predictions.prototype, 'predict')!]
for (const decorate of [Post('predict'), HttpCode(200)]) (decorate as (...args: unknown[]) => void)(...of)
Body(new ValidationPipe({ expectedType: Flower }))(Predictions.prototype, 'predict', 0)
Controller()(Predictions)

class App {}
Module({ controllers: [Predictions] })(App)

type Start = (capture: Capture | undefined) => Promise<number>
const adapters: Record<string, Start> = {
  async Express(capture) {
    const app = await NestFactory.create<NestExpressApplication>(App, { logger: false })
    cleanup(() => app.close())
    app.disable('x-powered-by')
    if (capture) app.use(forExpress(capture))
    app.useGlobalFilters(new Telling(app.getHttpAdapter()))
    await app.listen(0, '127.0.0.1')
    return (app.getHttpServer().address() as AddressInfo).port
  },
  async Fastify(capture) {
    const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), { logger: false })
    cleanup(() => app.close())
    if (capture) await app.register(forFastify as never, { capture })
    app.useGlobalFilters(new Telling(app.getHttpAdapter()))
    await app.listen(0, '127.0.0.1')
    return (app.getHttpServer().address() as AddressInfo).port
  },
}

describe.each(Object.entries(adapters))('NestJS on %s', (_, start) => {
  it.each([
    ['a prediction', { length: 5.1, name: 'setosa' }, { status: 200, error: null, outputs: { prediction: 5.1 } }],
    [
      'what its ValidationPipe refuses',
      { length: 'long' },
      {
        status: 400,
        error: 'length must be a number conforming to the specified constraints; name should not be empty',
        outputs: {},
      },
    ],
    [
      'an error that its reply hides',
      { length: 1, name: 'broken' },
      { status: 500, error: 'the model broke', outputs: {} },
    ],
  ])('replies as without capture, and its row says it all: %s', async (_what, features, expected) => {
    const { capture, records } = testCapture()
    const [bare, captured] = [await start(undefined), await start(capture)]
    const body = JSON.stringify(features)
    const reply = comparable(await rawReply(captured, '/predict', '', body))
    expect(reply).toBe(comparable(await rawReply(bare, '/predict', '', body)))
    expect(reply).not.toContain('the model broke')
    const seen = (await records()).map(({ status, error, features, outputs }) => ({ status, error, features, outputs }))
    expect(seen).toEqual([{ ...expected, features }])
  })
})
