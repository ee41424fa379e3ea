/** `npm start` runs the Fastify server, `npm start -- express` and `npm start -- koa` the others. */
const servers: Readonly<Record<string, () => Promise<unknown>>> = {
  fastify: () => import('./fastify.ts'),
  express: () => import('./express.ts'),
  koa: () => import('./koa.ts'),
}

const name = process.argv[2] ?? 'fastify'
const start = servers[name]
if (start === undefined) {
  console.error(`There is no server "${name}": choose one of ${Object.keys(servers).join(', ')}`)
  process.exit(1)
}
await start()
