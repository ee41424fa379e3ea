import type { Format } from '../format.ts'
import { contentOf, isCsv } from './body.ts'
import { json } from './json.ts'
import { readOutputs, requestReading } from './replies.ts'
import { named, namesFor } from './rows.ts'
import { parseCsv, splitHeader } from './csv-text.ts'

/**
 * CSV (RFC 4180), as SageMaker's built-in containers take it, without a header, and MLflow, with one. The first line is a
 * header where it says the schema's names, or where none of its fields is a number and the second line has one; else the
 * features are the schema's names in order, or `f0`, `f1`, … Numbers are numbers (integers past 2^53 keep their digits),
 * an empty field is null, everything else is text: also `007`.
 *
 * A reply in CSV has a line for each instance, or all predictions in one line.
 *
 * Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html,
 * https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
 */
export const csv: Format = {
  name: 'csv',
  matches: (request) => contentOf(request).isText && isCsv(request.contentType),
  readRequest(request) {
    const content = contentOf(request)
    if (!content.isText) return json.readRequest(request)
    const { names, rows } = splitHeader(parseCsv(content.value as string), request.featureNames)
    const affordable = namesFor(rows.length, names)
    const at = (i: number) => named(rows.at(i)!, affordable)
    return requestReading(request, content, { features: { length: rows.length, at }, isBatch: true })
  },
  readReply: readOutputs,
}
