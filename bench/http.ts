/**
 * What capture costs a server: node bench/http.ts [framework …]
 * Each mode runs in a process of its own, warmed up; rounds alternate between the modes; medians are given.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { load, median, percentile } from './load.ts'

interface Report {
  cpu: number
  loopDelayP99: number
  rss: number
  written: number
}

interface Running {
  mode: string
  port: number
  ask(message?: string): Promise<Report>
  process: ChildProcess
}

interface Round {
  rate: number
  p50: number
  p99: number
  cpu: number
  delay: number
}

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 4)
/** Until the optimising compiler is done with the servers: on a slow machine the first seconds mislead most. */
const WARM_UP_SECONDS = Number(process.env['BENCH_WARM_UP'] ?? 10)
const CONNECTIONS = 50
const MODES = (process.env['BENCH_MODES'] ?? 'none,discard,postgres,insert').split(',')
/** LiteLLM's published figures are for this rate. */
const FIXED_RATE = 1170

const start = async (framework: string, mode: string): Promise<Running> => {
  const child = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), [framework, mode])
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    mode,
    port,
    process: child,
    async ask(message = 'report') {
      child.send(message)
      const [report] = (await once(child, 'message')) as [Report]
      return report
    },
  }
}

const stop = async ({ process: child }: Running): Promise<void> => {
  const exit = once(child, 'exit')
  child.disconnect()
  await exit
}

const round = async (server: Running, rate?: number): Promise<Round> => {
  const before = await server.ask('reset')
  const result = await load({
    port: server.port,
    connections: CONNECTIONS,
    seconds: SECONDS,
    ...(rate === undefined ? {} : { rate }),
  })
  const after = await server.ask()
  return {
    rate: result.requests / result.seconds,
    p50: percentile(result.latencies, 0.5),
    p99: percentile(result.latencies, 0.99),
    cpu: (after.cpu - before.cpu) / result.requests,
    delay: after.loopDelayP99,
  }
}

const rounds = async (servers: readonly Running[], rate?: number): Promise<Map<string, Round>> => {
  const all = new Map<string, Round[]>(servers.map(({ mode }) => [mode, []]))
  for (let i = 0; i < ROUNDS; i++) for (const server of servers) all.get(server.mode)!.push(await round(server, rate))
  const medians = [...all].map(([mode, results]): [string, Round] => {
    const of = (key: keyof Round) => median(results.map((result) => result[key]))
    return [mode, { rate: of('rate'), p50: of('p50'), p99: of('p99'), cpu: of('cpu'), delay: of('delay') }]
  })
  return new Map(medians)
}

const print = (title: string, results: Map<string, Round>): void => {
  console.log(`\n${title}`)
  const base = results.get('none')
  console.table(
    Object.fromEntries(
      [...results].map(([mode, result]) => [
        mode,
        {
          'requests/s': Math.round(result.rate),
          'of none': base ? Number((result.rate / base.rate).toFixed(3)) : '',
          'p50 ms': Number((result.p50 / 1000).toFixed(3)),
          'p99 ms': Number((result.p99 / 1000).toFixed(3)),
          'CPU µs/request': Number(result.cpu.toFixed(1)),
          'loop delay p99 ms': Number(result.delay.toFixed(2)),
        },
      ]),
    ),
  )
}

const named = process.argv.slice(2)
for (const framework of named.length > 0 ? named : ['fastify', 'koa', 'express']) {
  const servers: Running[] = []
  for (const mode of MODES) servers.push(await start(framework, mode))
  for (const server of servers) await load({ port: server.port, connections: CONNECTIONS, seconds: WARM_UP_SECONDS })
  print(`${framework}: as many requests as go, ${CONNECTIONS} connections`, await rounds(servers))
  if (process.env['BENCH_FIXED'] !== '0') {
    print(`${framework}: ${FIXED_RATE} requests/s`, await rounds(servers, FIXED_RATE))
  }
  for (const server of servers) await stop(server)
}
