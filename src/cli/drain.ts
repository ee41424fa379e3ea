import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { resolveSettings } from '../config/settings.ts'
import { createDelivery } from '../delivery/delivery.ts'
import { messageOf } from '../errors/errors.ts'
import { inspectOutbox } from '../outbox/inspect.ts'
import { openOutbox } from '../outbox/outbox.ts'
import { openAllSinks } from '../sinks.ts'
import { captureOptions, count, settingOptions, settingsHelp, UsageError, type Command } from './command.ts'

const WIDTH = 30

/** `[##########--------------------]  33 %  1,000 of 3,000` */
export const bar = (done: number, all: number): string => {
  const share = all === 0 ? 1 : Math.min(1, done / all)
  const filled = Math.round(share * WIDTH)
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}]  ${Math.floor(share * 100)} %  ${count(done)} of ${count(all)}`
}

const secondsOf = (text: string | boolean | undefined): number | undefined => {
  if (text === undefined) return undefined
  const seconds = Number(text)
  if (!(seconds > 0)) throw new UsageError('--timeout takes seconds, a number above 0')
  return seconds * 1000
}

export const drain: Command = {
  summary: 'sends what an outbox holds to the sinks, without a server',
  usage: 'drain [--timeout SECONDS]',
  help: `
Sends to the sinks what services that have ended left in the outbox, and ends when every record is stored or a dead letter. It does not
touch the records of a running service. Set PREDICTIONS_SINK, _TABLE and _SCHEMA as the service has them.

  --timeout SECONDS give up after this time; what is left stays in the outbox. Default: none${settingsHelp}`,
  options: { ...settingOptions, timeout: { type: 'string' } },
  async run({ values, terminal }) {
    const timeoutMs = secondsOf(values['timeout'])
    const settings = resolveSettings({ ...captureOptions(values), logger: loggerOf(terminal.err) })
    const sinks = openAllSinks(settings)
    const { logger, outboxDir } = settings
    const outbox = openOutbox({
      directory: outboxDir,
      maxBytes: settings.outboxMaxBytes,
      logger,
      sinks: sinks.map(({ sink }) => sink.name),
    })
    await outbox.ready
    const deliveries = sinks.map(({ sink, columns }) =>
      createDelivery({ sink, queue: outbox.queue(sink.name), columns: () => columns, settings, logger }),
    )
    const sum = (key: 'carriedOver' | 'queued' | 'written' | 'deadLettered') =>
      deliveries.reduce((total, delivery) => total + delivery.stats()[key], 0)
    const done = new AbortController()
    terminal.onStop(() => done.abort())
    if (timeoutMs !== undefined) setTimeout(() => done.abort(), timeoutMs).unref()

    for (const delivery of deliveries) delivery.start()
    const flushed = Promise.all(deliveries.map((delivery) => delivery.flush()))
    const stopped = once(done.signal, 'abort')
    let settled = false
    void flushed.then(() => (settled = true))
    while (!settled && !done.signal.aborted) {
      terminal.progress(bar(sum('carriedOver') - sum('queued'), sum('carriedOver')))
      await Promise.race([flushed, stopped, wait(200)])
    }
    for (const delivery of deliveries) await delivery.close({ timeoutMs: 5000 })
    terminal.progress('')
    const left = sum('queued')
    terminal.out(`${count(sum('written'))} written, ${count(sum('deadLettered'))} dead letters, ${count(left)} left`)
    const lastError = deliveries.map((delivery) => delivery.stats().lastError).find((error) => error !== null)
    if (left > 0 && lastError) terminal.err(lastError)
    await outbox.close()
    await tellOthers(outboxDir, terminal.err)
    return left > 0 ? 1 : 0
  },
}

const loggerOf = (say: (line: string) => void) => ({ info() {}, warn: say, error: say })

/** What is not this configuration's, or another process's, is not shipped: say so, rather than leave it unseen. */
const tellOthers = async (directory: string, say: (line: string) => void): Promise<void> => {
  try {
    for (const { sink, records } of (await inspectOutbox(directory)).sinks)
      if (records > 0)
        say(`${count(records)} records for ${sink} stay: they are a running service's, or of another configuration`)
  } catch (error) {
    say(messageOf(error))
  }
}
