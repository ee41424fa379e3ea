import { parseArgs } from 'node:util'
import { simulate, type Outcome, type SimulationOptions } from './simulation.ts'

const help = `npm run simulate [-- OPTIONS]

Sends flowers to the iris server (npm start) whose measures get worse, and later what they really were.

  --url URL        the server                                     http://localhost:$PORT, or 3000
  --seconds N      for so long flowers are sent, up to 3600       60
  --count N        so many flowers at most, up to 1000000         3000
  --noise CM       how wrong measures are at the end              1
  --late N         what they were is known so many seconds later  10
  --seed N         the same seed makes the same flowers           1`

const fail = (message: string, status: number): never => {
  console.error(message)
  process.exit(status)
}

const defaults = {
  url: `http://localhost:${process.env['PORT'] ?? 3000}`,
  seconds: '60',
  count: '3000',
  noise: '1',
  late: '10',
  seed: '1',
}

const readOptions = (): SimulationOptions => {
  const names = Object.keys(defaults) as (keyof typeof defaults)[]
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string', default: defaults[name] }] as const))
  const parsed = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } })
  const values = parsed.values as Readonly<Record<string, unknown>>
  if (values['help'] === true) {
    console.log(help)
    process.exit(0)
  }
  const number = (name: keyof typeof defaults, least: number, most: number): number => {
    const text = String(values[name])
    const value = Number(text)
    if (text.trim() !== '' && value >= least && value <= most) return value
    throw new Error(`--${name} must be a number from ${least} to ${most}, not "${text}"`)
  }
  const url = String(values['url'])
  if (!URL.canParse(url)) throw new Error(`--url must be like ${defaults.url}, not "${url}"`)
  return {
    url,
    seconds: number('seconds', 0.1, 3600),
    count: Math.round(number('count', 1, 1e6)),
    noise: number('noise', 0, 10),
    late: number('late', 0, 600),
    seed: number('seed', 0, 2 ** 32 - 1),
  }
}

const percent = (part: number, whole: number) => (whole === 0 ? '' : `${Math.round((100 * part) / whole)} %`)

const progress = ({ sent, reported }: Outcome, { count }: SimulationOptions) =>
  `${sent} of ${count} flowers sent, ${reported} reported`

const summary = ({ sent, failed, reported, quarters }: Outcome, { noise }: SimulationOptions): string => {
  const lines = quarters.flatMap(({ predicted, right }, index) => {
    if (predicted === 0) return []
    const [from, to] = [(noise * index) / 4, (noise * (index + 1)) / 4].map((centimetres) => centimetres.toFixed(2))
    return [`  wrong by ${from} to ${to} cm: ${percent(right, predicted).padStart(5)} right of ${predicted}`]
  })
  return [`${sent} flowers sent (${failed} failed), ${reported} actuals reported`, ...lines].join('\n')
}

const run = async (options: SimulationOptions): Promise<void> => {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  let last: Outcome | undefined
  let sent = 0
  const began = Date.now()
  let ended = began
  try {
    await simulate(options, stop.signal, (outcome) => {
      last = outcome
      if (outcome.sent > sent) ended = Date.now()
      sent = outcome.sent
      if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${progress(outcome, options)}`)
    })
  } catch (error) {
    const { message, cause } = error as Error
    const why = (cause as NodeJS.ErrnoException | undefined)?.code ?? message
    if (!stop.signal.aborted) fail(`The iris server at ${options.url} can't be used (${why}): npm start runs one`, 1)
  }
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
  if (last !== undefined) console.log(summary(last, options))
  const [from, middle] = [began, (began + ended) / 2].map((ms) => new Date(ms).toISOString())
  console.log(`The second half against the first:
  npx capture-predictions report --since ${middle} --reference ${from}..${middle}`)
}

let options: SimulationOptions
try {
  options = readOptions()
} catch (error) {
  fail(`${(error as Error).message}\n\n${help}`, 2)
}
await run(options!)
