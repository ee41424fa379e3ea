import { createRequire } from 'node:module'
import { elasticsearch } from 'capture-predictions/sinks/elasticsearch'
import { describe, expect, it, vi } from 'vitest'
import { columnsOf } from '../../src/schema/columns.ts'
import { service } from '../setup/services.ts'
import { talkTo } from './elasticsearch/server.ts'
import { patient, record } from './records.ts'

const require = createRequire(import.meta.url)

// The client of version 8 stands where that of version 9 is installed.
vi.mock('../../src/peer.ts', () => ({ resolvePeer: () => '', requirePeer: () => require('elasticsearch8') as unknown }))

const url = await service('elasticsearch')

describe.skipIf(!url)('elasticsearch with the client of version 8', () => {
  it('writes, sets aside, refuses and tells what is away', async () => {
    const es = talkTo(url!)
    const prefix = `client8-${process.pid}`
    const sink = elasticsearch({ url: url!, prefix })
    await sink.open!(columnsOf(undefined))
    expect(require.resolve('elasticsearch8')).not.toBe(require.resolve('@elastic/elasticsearch'))
    const good = record({ features: { x: 1 } })
    expect(await sink.write([good, record({ features: { '': 1 } }), good], patient)).toEqual([])
    await sink.open!(columnsOf({ features: { type: 'object', properties: { y: { type: 'number' } } } }))
    expect(await sink.write([record({ features: { y: 5 } })], patient)).toEqual([])
    expect(await es.count(prefix)).toBe(3)
    const aborted = AbortSignal.abort()
    await expect(sink.write([record()], aborted)).rejects.toThrow(/abort/i)
    await sink.close!()
    await es.drop(prefix)

    const away = elasticsearch({ url: 'elasticsearch://127.0.0.1:1', prefix })
    await expect(away.open!(columnsOf(undefined))).rejects.toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
    await away.close!()
  })
})
