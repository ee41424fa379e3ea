import { randomBytes } from 'node:crypto'
import { postgres } from 'capture-predictions/sinks/postgres'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { recordFromJson } from '../../src/records/record.ts'
import { service } from '../setup/services.ts'
import { columnsFor, patient, record } from './records.ts'

const url = await service('postgres')

/** A database of an encoding, for as long as `use` takes. */
const inDatabase = async (encoding: string, use: (url: string, client: pg.Client) => Promise<void>): Promise<void> => {
  const name = `predictions_${encoding.toLowerCase()}_${randomBytes(4).toString('hex')}`
  const owner = new pg.Client(url)
  await owner.connect()
  await owner.query(`create database ${name} encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`)
  const there = new URL(url!)
  there.pathname = `/${name}`
  const client = new pg.Client(there.href)
  await client.connect()
  try {
    await use(there.href, client)
  } finally {
    await client.end()
    await owner.query(`drop database ${name}`)
    await owner.end()
  }
}

const spelled = (text: string): string =>
  [...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')

/** What each encoding holds of these, and what it does not. */
const encodings = [
  { encoding: 'LATIN1', holds: 'é\u0081', not: '’😀東\u0000' },
  { encoding: 'LATIN9', holds: 'é€', not: '’😀東\u0000' },
  { encoding: 'WIN1252', holds: 'é€’', not: '\u0081😀東\u0000' },
  { encoding: 'KOI8R', holds: 'я', not: 'é😀東\u0000' },
  { encoding: 'EUC_JP', holds: 'é’東京', not: '€한😀\u0000' },
  { encoding: 'EUC_JIS_2004', holds: 'é’東京', not: '한\u0c85😀\u0000' },
  { encoding: 'EUC_KR', holds: '한東’', not: 'é东😀\u0000' },
  { encoding: 'EUC_CN', holds: 'é’东', not: '東한😀\u0000' },
  { encoding: 'EUC_TW', holds: '東', not: 'é한😀\u0000' },
  { encoding: 'SQL_ASCII', holds: 'é’😀東京', not: '\u0000' },
]

describe.skipIf(!url)('a Postgres database in', () => {
  it.each(encodings)('$encoding stores what it holds, and spells the rest', ({ encoding, holds, not }) =>
    inDatabase(encoding, async (url, client) => {
      const name = `größe ${[...not].filter((letter) => letter !== '\u0000').join('')}`
      const columns = columnsFor({ text: { type: 'string' }, json: { type: 'array' }, [name]: { type: 'number' } })
      const sink = postgres({ url })
      try {
        await sink.open!(columns)
        const text = `${holds}"\\${not}`
        const features = { text, json: [{ [text]: text }], [name]: 1 }
        const first = record({ features, tags: { [text]: text }, error: text })
        expect(await sink.write([first], patient)).toBeFalsy()
        // By an insert as well, as the first comes again.
        expect(await sink.write([first, record({ features, model: text })], patient)).toBeFalsy()
      } finally {
        await sink.close!()
      }
      const { rows } = await client.query<Record<string, unknown>>('select * from predictions order by id')
      const stored = `${holds}"\\${spelled(not)}`
      expect(rows).toHaveLength(2)
      for (const row of rows) expect(row).toMatchObject({ text: stored, json: [{ [stored]: stored }], extra: null })
      expect(rows[0]).toMatchObject({ error: stored, tags: { [stored]: stored } })
      expect(rows[1]).toMatchObject({ model: stored })
      expect(Object.values(rows[0]!)).toContain(1)
    }),
  )

  const hangul = (from: number, count: number): string =>
    String.fromCharCode(...Array.from({ length: count }, (_, place) => from + place))

  it.each(['the owner', 'a user that may only insert'])('EUC_JP spells what turns out to be missing, for %s', (who) =>
    inDatabase('EUC_JP', async (url, client) => {
      const columns = columnsFor({ text: { type: 'string' } })
      const text = (text: string) => record({ features: { text } })
      const owner = postgres({ url })
      await owner.open!(columns)
      await owner.close!()
      const user = `inserter_${randomBytes(4).toString('hex')}`
      await client.query(`create role ${user} login; grant insert on predictions to ${user}`)
      const address = new URL(url)
      if (who !== 'the owner') address.username = user
      const sink = postgres({ url: address.href })
      const many = hangul(0xac00, 200)
      // Kafka's other producers write ASCII.
      const escaped = recordFromJson(text('').json.replace('"text":""', '"text":"東\\ud7a3"'))
      try {
        await sink.open!(columns)
        const first = [text('東京'), text(`東${many}`), escaped]
        expect((await sink.write(first, patient)) ?? []).toEqual([])
        // A batch that comes again, and a character that is new.
        expect((await sink.write([...first, text('한€')], patient)) ?? []).toEqual([])
      } finally {
        await sink.close!()
        await client.query(`drop owned by ${user}; drop role ${user}`)
      }
      const { rows } = await client.query<{ text: string }>('select text from predictions order by id')
      expect(rows.map(({ text }) => text)).toEqual([
        `東${spelled('\ud7a3')}`,
        '東京',
        `東${spelled(many)}`,
        spelled('한€'),
      ])
    }),
  )
})
