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
