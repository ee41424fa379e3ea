const outcome = {
  type: 'object',
  properties: {
    accepted: { type: 'integer', description: 'Reports that are in the outbox' },
    rejected: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          index: { type: 'integer', description: 'Its place among the reports, from 0' },
          line: { type: 'integer', description: 'Its line, in NDJSON and CSV' },
          reason: { type: 'string' },
        },
      },
    },
    error: { type: 'string', description: 'What is wrong with the body as a whole' },
  },
} as const

/** What a route of actuals takes and answers, as a Fastify route's schema: for documentation, it refuses nothing itself. */
export const actualsSchema = {
  summary: 'Reports what predictions really were',
  body: {
    title: 'Reports',
    // Without a keyword of this kind Fastify takes the schema for a list of properties.
    allOf: [{}],
    description:
      'One report, a list of them, or {"reports": [...]}; NDJSON, or CSV with a header. A report is {"id": "<X-Prediction-Id>", "actual": 2}, with timestamp (ISO 8601) and source where they are known; {"id": …, "actuals": [2, null, 0]} for the instances of a batch; {"id": …, "retracted": true} takes back what was reported.',
  },
  response: { 202: outcome, 400: outcome, 413: outcome, 415: outcome, 503: outcome },
}
