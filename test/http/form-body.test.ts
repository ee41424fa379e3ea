import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import express from 'express'
import Koa from 'koa'
import { describe, expect, it, vi } from 'vitest'
import type { Prediction } from 'capture-predictions'
import { temporaryFolder, testCapture } from '../setup/captures.ts'
import { formApps, withKoaBody, withMulter } from './form-apps.ts'
import { comparable, rawReplyTo } from './raw.ts'

const SMALL = Buffer.from([137, 80, 78, 71, 1, 2, 3])
/** So large that its digest is made in steps. */
const LARGE = Buffer.alloc(700_000, 'leaf')

const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The same bytes each time. */
const requestOf = (image: Buffer, fields: readonly (readonly [string, string])[] = FIELDS) => {
  const boundary = 'a-boundary'
  const part = (head: string, body: string | Buffer) => [
    `--${boundary}\r\ncontent-disposition: form-data; ${head}`,
    body,
    '\r\n',
  ]
  const parts = [
    ...fields.flatMap(([name, value]) => part(`name="${name}"\r\n\r\n`, value)),
    ...part('name="image"; filename="leaf.png"\r\ncontent-type: image/png\r\n\r\n', image),
    `--${boundary}--\r\n`,
  ]
  const body = Buffer.concat(parts.map((each) => Buffer.from(each as string)))
  const head = `POST /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\ncontent-length: ${body.length}\r\n\r\n`
  return [head, body] as const
}

const FIELDS = [
  ['sepal_length', '5.1'],
  ['label', 'a'],
  ['label', 'b'],
] as const

const describeImage = (image: Buffer, isNameless = false) => ({
  ...(!isNameless && { name: 'leaf.png', type: 'image/png' }),
  size: image.length,
  sha256: sha256Of(image),
})

describe.each(Object.entries(formApps))('a form with a file, by %s', (_, { start, isNameless }) => {
  it.each([
    ['small', SMALL],
    ['large', LARGE],
  ])('gives the fields, and what a %s file is, and the reply is as without capture', async (_size, image) => {
    const { capture, records } = testCapture()
    const folder = temporaryFolder()
    const request = requestOf(image)
    const [bare, captured] = [await start({ capture: undefined, folder }), await start({ capture, folder })]
    const reply = await rawReplyTo(captured, ...request)
    expect(comparable(reply)).toBe(comparable(await rawReplyTo(bare, ...request)))
    expect(reply).toContain('HTTP/1.1 200 OK')
    expect(await records()).toMatchObject([
      {
        features: { sepal_length: '5.1', label: ['a', 'b'], image: describeImage(image, isNameless) },
        outputs: { prediction: 1 },
        extra: {},
      },
    ])
    expect(capture.stats().faults).toBe(0)
    await vi.waitFor(() => expect(openFilesIn(folder)).toEqual([]))
  })
})

/** Of this process. Where there is no /proc nothing is looked at. */
const openFilesIn = (folder: string): string[] => {
  if (!existsSync('/proc/self/fd')) return []
  const targets = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // The one that lists the others is closed already.
      return []
    }
  })
  return targets.filter((target) => target.startsWith(folder))
}

const onDiskFirst = {
  multer: withMulter(express, 'app', (multer, dest) => multer({ dest }).any()),
  'koa-body': withKoaBody(Koa, 'parser first'),
}

describe.each(Object.entries(onDiskFirst))('a file that %s keeps on disk', (_, start) => {
  it('is known also where the handler removes it before its reply', async () => {
    const { capture, records } = testCapture()
    const port = await start({ capture, folder: temporaryFolder(), handle: (path) => rmSync(path!) })
    expect(await rawReplyTo(port, ...requestOf(LARGE))).toContain('{"prediction":1}')
    expect((await records())[0]!.features['image']).toEqual(describeImage(LARGE))
  })
})

it('lets go of a file on disk where the handler skips the prediction', async () => {
  const { capture } = testCapture()
  const folder = temporaryFolder()
  let open: string[] = []
  const handle = (_path: unknown, prediction: Prediction | undefined) => {
    open = openFilesIn(folder)
    prediction!.skip()
  }
  const port = await onDiskFirst.multer({ capture, folder, handle })
  expect(await rawReplyTo(port, ...requestOf(LARGE))).toContain('{"prediction":1}')
  expect(capture.stats().requests).toMatchObject({ seen: 1, skipped: 1 })
  // Where there is no /proc nothing is known of either.
  expect(open).toHaveLength(existsSync('/proc/self/fd') ? 1 : 0)
  expect(openFilesIn(folder)).toEqual([])
})

it('says why there is no digest of a file that was removed before it was seen', async () => {
  const { capture, records } = testCapture()
  const start = withMulter(express, 'route', (multer, dest) => multer({ dest }).any())
  const folder = temporaryFolder()
  const port = await start({ capture, folder, handle: (path) => rmSync(path!) })
  await rawReplyTo(port, ...requestOf(LARGE))
  const { features, extra } = (await records())[0]!
  expect(features['image']).toEqual({ name: 'leaf.png', type: 'image/png', size: LARGE.length })
  expect(extra).toEqual({ 'features.image.sha256': { reason: 'no digest: ENOENT' } })
})

it('reads no file that a client names', async () => {
  const { capture, records } = testCapture()
  const folder = temporaryFolder()
  const secret = join(folder, 'secret')
  writeFileSync(secret, 'a secret')
  const start = withMulter(express, 'route', (multer) => multer().any())
  const port = await start({ capture, folder })
  const posing = { mimetype: 'text/plain', originalname: 'x', filename: 'x', path: secret, filepath: secret }
  const fields = Object.entries(posing).map(([name, value]) => [`posing[${name}]`, value] as const)
  await rawReplyTo(port, ...requestOf(SMALL, fields))
  const { features } = (await records())[0]!
  expect(features['posing']).toEqual(posing)
})
