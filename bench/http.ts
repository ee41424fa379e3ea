/**
 * What capture costs a server: node bench/http.ts [framework …]
 * Each mode runs in a process of its own, warmed up. The servers take short turns, many of them, so that a machine whose speed
 * changes from second to second does so for all alike; medians are given, and a ratio is the median of each round's own.
 * The load is wrk, where it is installed, else a process of our own; at the fixed rate always ours, as wrk knows none.
 */
import { isWrkThere, startServer, type RunningServer, type Turn } from './http-servers.ts'
import { median, percentile } from './load.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 20)
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 1)
/** Until the optimising compiler is done with the servers: on a slow machine the first seconds mislead most. */
const WARM_UP_SECONDS = Number(process.env['BENCH_WARM_UP'] ?? 10)
const CONNECTIONS = 50
const MODES = (process.env['BENCH_MODES'] ?? 'none,log,memory,outbox,postgres,insert').split(',')
/** LiteLLM's published figures are for this rate. */
const FIXED_RATE = 1170

type Turns = Map<string, Turn[]>

const takeTurns = async (servers: readonly RunningServer[], rate?: number): Promise<Turns> => {
  const turns: Turns = new Map(servers.map(({ name }) => [name, []]))
  for (let i = 0; i < ROUNDS; i++)
    for (const server of servers) turns.get(server.name)!.push(await server.turn(SECONDS, rate))
  return turns
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))

type Figure = 'rate' | 'cpu'

const ratioTo = (turns: readonly Turn[], others: readonly Turn[] | undefined, of: Figure): number | string =>
  others === undefined ? '' : rounded(median(turns.map((turn, i) => turn[of] / others[i]![of])), 3)

const print = (title: string, all: Turns): void => {
  console.log(`\n${title}`)
  const none = all.get('none')
  const rows = [...all].map(([mode, turns]) => {
    const latencies = turns.flatMap((each) => each.latencies)
    const row = {
      'requests/s': Math.round(median(turns.map(({ rate }) => rate))),
      'of none': ratioTo(turns, none, 'rate'),
      'of insert': ratioTo(turns, all.get('insert'), 'rate'),
      'CPU µs/request': rounded(median(turns.map(({ cpu }) => cpu)), 1),
      'CPU of none': ratioTo(turns, none, 'cpu'),
      'p50 ms': rounded(percentile(latencies, 0.5) / 1000, 3),
      'p99 ms': rounded(percentile(latencies, 0.99) / 1000, 3),
      'loop delay p99 ms': rounded(median(turns.map(({ delay }) => delay)), 2),
    }
    return [mode, row] as const
  })
  console.table(Object.fromEntries(rows))
}

const named = process.argv.slice(2)
for (const framework of named.length > 0 ? named : ['fastify', 'koa', 'express']) {
  const servers: RunningServer[] = []
  for (const mode of MODES) servers.push(await startServer(mode, { framework, mode, connections: CONNECTIONS }))
  for (const server of servers) await server.drive(WARM_UP_SECONDS)
  const by = isWrkThere ? 'wrk' : 'a load of our own'
  print(`${framework}: as many requests as go, ${CONNECTIONS} connections, by ${by}`, await takeTurns(servers))
  // The code is warm; what a lone request touches is not.
  for (const server of servers) await server.drive(WARM_UP_SECONDS / 2, FIXED_RATE)
  if (process.env['BENCH_FIXED'] !== '0')
    print(`${framework}: ${FIXED_RATE} requests/s`, await takeTurns(servers, FIXED_RATE))
  for (const server of servers) await server.stop()
}
