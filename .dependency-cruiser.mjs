/** The layout is the architecture: what each room may import (CONTRIBUTING.md), and no circles, not even of types. */
export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two files that need each other are one file, or lack a third that both need.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-knows-no-framework-and-no-driver',
      severity: 'error',
      comment:
        'src/sinks.ts alone names the sinks, src/stores.ts those that can be read, and the command that moves records out of Kafka its topic.',
      from: { path: '^src/', pathNot: '^src/(sinks|stores|cli/consume)\\.ts$' },
      to: { path: '^(integrations|sinks)/|^node_modules/(express|koa|fastify|knex|pg|mysql2|@elastic|@platformatic)/' },
    },
    {
      name: 'integrations-know-the-core-alone',
      severity: 'error',
      from: { path: '^integrations/([^/]+)\\.ts$' },
      to: { path: '^(integrations|sinks)/', pathNot: '^integrations/$1\\.ts$' },
    },
    {
      name: 'sinks-know-the-core-and-their-own-folder',
      severity: 'error',
      comment: 'sinks/sql is what the SQL sinks share.',
      from: { path: '^sinks/([^/.]+)' },
      to: { path: '^(integrations|sinks)/', pathNot: '^sinks/(sql|$1)(/|\\.ts$)' },
    },
    {
      name: 'statistics-know-no-store-and-no-view',
      severity: 'error',
      comment: 'Statistics, findings and views are functions of what a store answered.',
      from: { path: '^src/report/(statistics|findings|views)/' },
      to: { path: '^(sinks|node_modules/knex)/|^src/(?!report/|config/nearest)|^src/report/(tally|time|report|plan)' },
    },
    {
      name: 'views-compute-nothing',
      severity: 'error',
      comment: 'A view shows a report, and never what it was made from.',
      from: { path: '^src/report/views/' },
      to: { path: '^src/report/(answers|drift|judge|performance|summaries|traffic)\\.ts$|^src/report/findings/' },
    },
    {
      name: 'services-load-no-report',
      severity: 'error',
      comment: "What charts and distribution functions come from is the report's alone: no service loads it.",
      from: { path: '^(src|integrations|sinks)/', pathNot: '^src/report/' },
      to: {
        path: '^node_modules/(jstat|d3-|csv-parse)|^src/report/(index|judge|report|views|statistics)',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'public-names-only',
      severity: 'error',
      comment: 'Examples use the package as its users do.',
      from: { path: '^examples/' },
      to: { path: '^(src|integrations|sinks)/', dependencyTypesNot: ['aliased'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.services)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
