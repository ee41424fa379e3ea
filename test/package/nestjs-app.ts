import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.ts'

/** Releases that come as CommonJS, whose Fastify adapter brings a Fastify of its own, and as ES modules. */
export const nestReleases = {
  11: ['common@11.2.10', 'core@11.2.10', 'platform-express@11.2.10', 'platform-fastify@11.2.8'],
  12: ['common@12.5.1', 'core@12.5.1', 'platform-express@12.5.1', 'platform-fastify@12.5.0'],
} as const

export const nestPackages = (release: keyof typeof nestReleases): string[] => [
  ...nestReleases[release].map((name) => `@nestjs/${name}`),
  'reflect-metadata@0.2.2',
  'rxjs@7.8.2',
]

/** The README's code that begins with these words. */
const readmeCode = (start: string): string => {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const code = [...text.matchAll(/^```ts\n(.*?)^```/gms)]
    .map(([, code]) => code!)
    .find((code) => code.startsWith(start))
  if (code === undefined) throw new Error(`the README has no code that begins with "${start}"`)
  return code
}

/** A main.ts as NestJS' starter has it: the README's lines in a function. */
const main = (start: string, imports: string): string => `import 'reflect-metadata'
import { VersioningType } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'
${imports}
async function bootstrap() {
${readmeCode(start)}}
void bootstrap()
`

const sources = (): Record<string, string> => ({
  'express.ts': main(
    '// main.ts, on Express',
    `import { capturePredictions } from 'capture-predictions/express'
`,
  ),
  'fastify.ts': main(
    '// main.ts, on Fastify',
    `import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { capturePredictions } from 'capture-predictions/fastify'
`,
  ),
  'app.module.ts': `import { Body, Controller, Module, Post, Req } from '@nestjs/common'
import type { Prediction } from 'capture-predictions'

interface Flower {
  readonly sepal: { readonly length: number }
}
const model = { predict: ({ sepal }: Flower) => ({ prediction: Math.round(sepal.length), confidence: 0.9 }) }

${readmeCode('// a controller, on both')}
@Module({ controllers: [PredictController] })
export class AppModule {}
`,
})

/** Its programs are express.ts and fastify.ts. */
export const writeNestApp = (folder: string): void => {
  for (const [name, text] of Object.entries(sources())) writeFileSync(join(folder, name), text)
}
