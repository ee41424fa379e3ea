import { afterAll, describe, expect, it, vi } from 'vitest'
import { resolveSettings } from '../../src/config/settings.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import { openSinks } from '../../src/sinks.ts'
import { patient, record } from '../sinks/records.ts'
import { findSystems, secret, type Place } from './places.ts'
import { runHere, workplace, type Outcome, type Variables } from './support.ts'

const systems = await findSystems()
afterAll(async () => {
  for (const { close } of systems) await close?.()
})

const off = { PREDICTIONS_MIGRATE: 'off' }

const expectNoSecret = (outcome: Outcome): Outcome => {
  expect(outcome.stdout + outcome.stderr).not.toMatch(secret)
  return outcome
}

/** A command with the place's variables. */
const cliAt =
  ({ url, variables }: Pick<Place, 'url' | 'variables'>) =>
  async (command: 'check' | 'ddl', more: Variables = {}): Promise<Outcome> =>
    expectNoSecret(await runHere([command], { PREDICTIONS_SINK: url, ...variables, ...more }))

/** Whether a service that may change nothing can store a prediction there. */
const store = async ({ url, variables }: Place): Promise<void> => {
  const settings = resolveSettings({}, { ...variables, ...off, PREDICTIONS_SINK: url })
  const [sink] = openSinks(settings)
  try {
    await sink!.open!(columnsOf(settings.schema))
    const refused = await sink!.write([record({ features: { n: 1 }, outputs: { prediction: 2 } })], patient)
    expect(refused ?? []).toEqual([])
  } finally {
    await sink!.close!()
  }
}

describe.each(systems)('check and ddl on $name', (system) => {
  const { makes, without, wrong } = system

  it('find nothing wrong with an empty place, and make nothing', async () => {
    const cli = cliAt(await system.place())
    const { stdout: printed, ...ddl } = await cli('ddl')
    expect(ddl).toEqual({ code: 0, stderr: '' })
    expect(printed).toMatch(makes)
    const { stdout, ...check } = await cli('check')
    expect(check).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^ok {5}\S+: (1 statement|\d+ statements) at the next start/m)
    expect(await cli('ddl')).toMatchObject({ stdout: printed })
  })

  it('are satisfied once what ddl printed was run by hand, and so is a service', async () => {
    const place = await system.place()
    const cli = cliAt(place)
    await place.run((await cli('ddl')).stdout)
    await vi.waitFor(async () => {
      const { code, stdout, stderr } = await cli('check', off)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^ok {5}\S+ is as expected$/m)
    })
    expect(await cli('ddl')).toEqual({ code: 0, stdout: '', stderr: '' })
    await store(place)
    expect(await cli('check')).toMatchObject({ code: 0, stdout: expect.stringContaining('is as expected') })
  })

  it('say what to run where it is missing and PREDICTIONS_MIGRATE is off', async () => {
    const place = await system.place()
    const cli = cliAt(place)
    await expect(store(place)).rejects.toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
    const { code, stdout } = await cli('check', off)
    expect(code).toBe(1)
    const [said, statements] = stdout.split('run:\n')
    expect(said).toMatch(/^FOUND {2}\S+ is not as expected, and PREDICTIONS_MIGRATE is off; $/m)
    expect(statements).toMatch(makes)
    expect(await cli('ddl', off)).toEqual({ code: 0, stdout: statements, stderr: '' })
    await place.run(statements!)
    await vi.waitFor(async () => expect(await cli('check', off)).toMatchObject({ code: 0 }))
  })

  it.skipIf(!without)('say what a column needs that is missing', async () => {
    const place = await system.place()
    const cli = cliAt(place)
    await place.run((await cli('ddl')).stdout.replace(...without!.change))
    expect(await cli('check')).toMatchObject({ code: 0, stdout: expect.stringContaining(': 1 statement at the next') })
    const { code, stdout } = await cli('check', off)
    expect(code).toBe(1)
    const { stdout: printed } = await cli('ddl')
    expect(printed).toMatch(without!.adds)
    expect(stdout).toContain(`PREDICTIONS_MIGRATE is off; run:\n${printed}`)
    await place.run(printed)
    expect(await cli('check', off)).toMatchObject({ code: 0 })
  })

  it("name both types and the fix, where what a person made can't hold our values", async () => {
    const place = await system.place()
    const cli = cliAt(place)
    const { stdout: printed } = await cli('ddl')
    await place.run(printed.replace(...wrong.change))
    const ddl = await vi.waitFor(async () => {
      const ddl = await cli('ddl')
      expect(ddl).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(wrong.found) })
      return ddl
    })
    for (const more of [{}, off]) {
      const { code, stdout, stderr } = await cli('check', more)
      expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
      expect(stdout).toContain(`FOUND  ${ddl.stderr}`)
    }
    await expect(store(place)).rejects.toThrow(wrong.found)

    await place.run(system.fixIn(ddl.stderr, printed))
    await vi.waitFor(async () => expect(await cli('check')).toMatchObject({ code: 0 }))
    await place.run((await cli('ddl')).stdout)
    await store(place)
  })

  const expectFound = async (url: string, variables: Variables, says: RegExp) => {
    const cli = cliAt({ url, variables })
    const { code, stdout, stderr } = await cli('check')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const found = stdout.split('\n').filter((line) => line.startsWith('FOUND'))
    expect(found).toHaveLength(1)
    // The sink's name, and what is said of it, where it is not named again.
    const [name, ...words] = found[0]!.slice('FOUND  '.length).split(': ')
    expect(words.join(': ')).toMatch(says)
    expect(words.join(': ')).not.toContain(name!.split('#')[0])
    const ddl = await cli('ddl')
    expect(ddl).toEqual({ code: 1, stdout: '', stderr: `${found[0]!.slice('FOUND  '.length)}\n` })
  }

  it('say why it is away, and what helps', async () => {
    const { away, variables } = await system.place()
    await expectFound(away, variables, system.saysAway)
  })

  it.skipIf(!system.saysRefused)('say what helps against a login that is refused', async () => {
    const { refused, variables } = await system.place()
    await expectFound(refused!, variables, system.saysRefused!)
  })
})

const kafka = systems.find(({ name }) => name === 'Kafka')
it.skipIf(!kafka)('find a topic missing that nobody asked to create, and say both ways to have it', async () => {
  const place = await kafka!.place()
  const url = place.url.split('?')[0]!
  const cli = cliAt({ ...place, url })
  const { code, stdout } = await cli('check')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^FOUND {2}kafka:\S+: topic \S+ does not exist: .*PREDICTIONS_KAFKA_CREATE_TOPIC=true/m)
  expect(await cli('ddl')).toEqual({ code: 1, stdout: '', stderr: expect.stringContaining('does not exist') })
  const created = await cli('check', { PREDICTIONS_KAFKA_CREATE_TOPIC: 'true' })
  expect(created).toMatchObject({ code: 0, stdout: expect.stringContaining(': 1 statement at the next start') })
  await place.run(/\((kafka-topics\.sh .*?)\)/.exec(stdout)![1]!)
  await vi.waitFor(async () => expect(await cli('check')).toMatchObject({ code: 0 }))
})

const elasticsearch = systems.find(({ name }) => name === 'Elasticsearch')
it.skipIf(!elasticsearch)("name both types and the fix of an index that can't hold our values", async () => {
  const { variables, ...rest } = await elasticsearch!.place()
  const place = { ...rest, variables: { ...variables, PREDICTIONS_ELASTICSEARCH_INDEX_BY: 'none' } }
  const cli = cliAt(place)
  const index = `${variables['PREDICTIONS_TABLE']}-all`
  await place.run((await cli('ddl')).stdout)
  const mappings = {
    properties: { outputs: { properties: { prediction: { type: 'boolean' } } }, extra: { type: 'text' } },
  }
  await place.run(`PUT /${index}\n${JSON.stringify({ mappings })}`)
  for (const command of ['check', 'ddl'] as const) {
    const { code, stdout, stderr } = await cli(command)
    expect(code).toBe(1)
    expect(command === 'check' ? stdout : stderr).toMatch(
      /index \S+-all: the field extra is of type text and must be object; .*POST \/_reindex/,
    )
    // That of an output stops nothing.
    if (command === 'check')
      expect(stdout).toMatch(
        /^note .*outputs\.prediction is of type boolean, which holds no long: values go to extra; .*POST \/_reindex/m,
      )
  }
})

it('end by themselves, and tell of each sink: those that are well, and those that are away', async () => {
  const places: Place[] = []
  for (const system of systems) places.push(await system.place())
  const variables = Object.assign({}, ...places.map((place) => place.variables)) as Variables
  const { cli } = workplace(places.flatMap(({ url, away }) => [away, url]).join(' '), variables)
  const [check, ddl] = await Promise.all([cli(['check']), cli(['ddl'])])
  expect(expectNoSecret(check)).toMatchObject({ code: 1, stderr: '' })
  expect(check.stdout.match(/^ok .* at the next start/gm)).toHaveLength(systems.length)
  expect(check.stdout.match(/^FOUND /gm)).toHaveLength(systems.length)
  expect(expectNoSecret(ddl).code).toBe(1)
  for (const { makes } of systems) expect(ddl.stdout).toMatch(new RegExp(makes, 'm'))
  expect(ddl.stderr.match(/\n/g)).toHaveLength(systems.length)
})
