/** One prediction by Express, as apps write it in each module system: a head of its own, and a body that they share. */
const heads = {
  mjs: `import express from 'express'
import { DatabaseSync } from 'node:sqlite'
import { createCapture } from 'capture-predictions'
import { capturePredictions } from 'capture-predictions/express'`,
  cjs: `const express = require('express')
const { DatabaseSync } = require('node:sqlite')
const { createCapture } = require('capture-predictions')
const { capturePredictions } = require('capture-predictions/express')`,
  mts: `import express from 'express'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { createCapture, type Capture } from 'capture-predictions'
import { capturePredictions, type PredictionsMiddleware } from 'capture-predictions/express'`,
  cts: `import express = require('express')
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { createCapture, type Capture } from 'capture-predictions'
import { capturePredictions, type PredictionsMiddleware } from 'capture-predictions/express'`,
} as const

export type ModuleKind = keyof typeof heads

export const moduleKinds = Object.keys(heads) as ModuleKind[]

/** An app that predicts once, and prints the row that it finds in the default database. */
export const consumer = (kind: ModuleKind): string => {
  const isTyped = kind.endsWith('ts')
  const type = (text: string) => (isTyped ? text : '')
  return `${heads[kind]}

const capture${type(': Capture')} = createCapture({ model: '${kind}' })
const middleware${type(': PredictionsMiddleware')} = capturePredictions(capture)
const app = express()
app.use(express.json())
app.use(middleware)
app.post('/predict', (req, res) => {
  const id${type(': string | undefined')} = req.prediction?.id
  req.prediction?.set({ confidence: 0.9 })
  res.json({ prediction: 1, id })
})
const server = app.listen(0, '127.0.0.1', async () => {
  const { port } = server.address()${type(' as AddressInfo')}
  const reply = await fetch(\`http://127.0.0.1:\${port}/predict\`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sepal: { length: 5.1 } }),
  })
  const id = reply.headers.get('x-prediction-id')
  server.close()
  server.closeAllConnections()
  await middleware.capture.close()
  const database = new DatabaseSync('predictions.db')
  console.log(JSON.stringify(database.prepare('select model, features, outputs from predictions where id = ?').get(id)))
})
`
}

export const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: ['node'],
    outDir: 'out',
  },
  files: ['app.mts', 'app.cts'],
}
