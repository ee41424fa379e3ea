/** The load of load.ts in a process of its own, whose CPU is not the benchmark's: forked by `forkLoad` with PORT CONNECTIONS. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openLoad, type Load, type LoadResult } from './load.ts'

interface Order {
  readonly seconds: number
  readonly rate?: number
}

/** A load whose results say what it cost itself, in microseconds of CPU. */
export interface ForkedLoad {
  run(seconds: number, rate?: number): Promise<LoadResult & { readonly cpu: number }>
  close: Load['close']
}

export const forkLoad = async (port: number, connections: number): Promise<ForkedLoad> => {
  const child = fork(fileURLToPath(import.meta.url), [String(port), String(connections)])
  await once(child, 'message')
  return {
    async run(seconds, rate) {
      child.send({ seconds, ...(rate !== undefined && { rate }) } satisfies Order)
      const [result] = (await once(child, 'message')) as [LoadResult & { cpu: number }]
      return result
    },
    close: () => child.disconnect(),
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, connections] = process.argv.slice(2).map(Number)
  const load = await openLoad(port!, connections!)
  process.on('message', ({ seconds, rate }: Order) => {
    const before = process.cpuUsage()
    void load.run(seconds, rate).then((result) => {
      const { user, system } = process.cpuUsage(before)
      process.send!({ ...result, cpu: user + system })
    })
  })
  process.on('disconnect', () => process.exit())
  process.send('ready')
}
