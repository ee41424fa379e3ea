import type { Format } from './format.ts'
import { contentOf, isCsv } from './body.ts'
import { json } from './json.ts'
import { requestReading } from './readings.ts'
import { readOutputs } from './replies.ts'
import { named, namesFor, namesNote } from './rows.ts'
import { parseCsv, splitHeader } from './csv-text.ts'

/**
 * CSV (RFC 4180), as SageMaker's built-in containers take it, without a header, and MLflow, with one. The first line is a
 * header where the content type says so (`text/csv; header=present`, or `absent`); where it does not, by a guess: if the line says
 * the schema's names, or if none of its fields is a number and the second line has one. Without a header the features are the
 * schema's names in order, or `f0`, `f1`, …; more than 4,096 fields that nothing names are one, as an array. A name that stands in
 * the header again is `name.1`, `name.2`, … Numbers are numbers (integers of up to 1,000 digits keep them), an empty field is null,
 * everything else is text: also `007`.
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
    const { names, rows } = splitHeader(parseCsv(content.value as string), request.featureNames, request.contentType)
    const affordable = namesFor(rows.length, names)
    const at = (i: number) => named(rows.at(i)!, affordable)
    const features = { length: rows.length, at, extra: namesNote(names, affordable) }
    return requestReading(request, content, { features, isBatch: true })
  },
  readReply: readOutputs,
}
