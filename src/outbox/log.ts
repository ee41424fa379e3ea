import { open, rm, unlink, type FileHandle } from 'node:fs/promises'
import { openCursor, START, type Position } from './cursor.ts'
import type { Damage } from './damage.ts'
import { isMissing, isPassing, segmentFile } from './files.ts'
import type { ReadLimit } from './queue.ts'
import { CHUNK_BYTES, readChunk, timeOf, type Entry, type FoundLog, type Segment } from './segment.ts'

/**
 * A log as its reader sees it: segments in order, a cursor, and a window of the oldest records in memory.
 *
 * Appended records go into the window until it is full. Later ones are read back from the disk, a chunk at a time; once the reader
 * has caught up, the window takes appended records again. So memory is bounded, and a sink that keeps up reads nothing from the disk.
 */
export interface OutboxLog {
  readonly directory: string
  /** Records past the cursor. */
  readonly records: number
  /** Bytes of their lines. */
  readonly bytes: number
  /** The oldest one's time, in milliseconds since the epoch. */
  oldest(): number | undefined
  /** Adds a segment at the end, a file's or one in memory; the one before is complete. */
  begin(number: number, where: 'disk' | 'memory'): Segment
  /** Takes note of records that were appended to the last segment. */
  added(segment: Segment, texts: readonly string[], sizes: readonly number[]): void
  /** The segments that the disk did not take. */
  inMemory(): Segment[]
  /** The oldest records; none: there are none. Rejects when reading is not possible now. */
  read(limit: ReadLimit): Promise<readonly Entry[]>
  /** Moves the cursor past an entry, and removes the segments behind it. */
  commit(last: Entry): Promise<void>
  /** Whether nothing is left in it. */
  readonly drained: boolean
  /** Lets go of files; a log that is drained is removed. */
  close(): Promise<void>
}

export interface LogOptions {
  readonly directory: string
  /** The window's limit in bytes. */
  readonly memoryBytes: number
  readonly damage: Damage
  /** Records that were counted and can't be read. */
  onLost(records: number): void
  /** Absent: it is new. */
  readonly found?: FoundLog
}

const endOf = (entry: Entry): Position => ({ segment: entry.segment, offset: entry.end })

const isPast = (at: Position, position: Position) =>
  at.segment < position.segment || (at.segment === position.segment && at.offset <= position.offset)

/**
 * Opens a log, new or found.
 * @throws when it is new and can't be written
 */
export const openLog = (options: LogOptions): OutboxLog => {
  const { directory, memoryBytes, damage, onLost, found } = options
  const segments: Segment[] = [...(found?.segments ?? [])]
  const cursorFile = openCursor(directory)
  let cursor = found?.cursor ?? START
  /** Everything up to here is in the window, or behind the cursor. */
  let loaded = cursor
  const window: Entry[] = []
  let windowBytes = 0
  /** Where appended records go: the window, or what a load that reaches the end will add to it; undefined: they stay on the disk. */
  let intake: Entry[] | undefined = found ? undefined : window
  let records = segments.reduce((sum, segment) => sum + segment.unread, 0)
  let bytes = 0
  let oldest = found?.oldest
  /** The segment that is appended to; all others are complete. */
  let growing: Segment | undefined
  let closed = false
  /** The last load from the disk. */
  let loading: Promise<void> | undefined
  let file: { readonly number: number; readonly handle: FileHandle } | undefined

  // Its block on the disk is taken now: on a full disk the cursor can still move.
  if (!found) cursorFile.write(cursor)

  const countBytes = () => {
    const start = segments[0]?.number === cursor.segment ? cursor.offset : 0
    bytes = Math.max(0, segments.reduce((sum, segment) => sum + segment.bytes, 0) - start)
  }
  countBytes()

  const closeFile = async () => {
    const { handle } = file ?? {}
    file = undefined
    // It was only read from: when it can't be closed, someone else has.
    await handle?.close().catch(() => {})
  }

  const handleOf = async (segment: Segment) => {
    if (file?.number === segment.number) return file.handle
    await closeFile()
    file = { number: segment.number, handle: await open(segmentFile(directory, segment.number), 'r') }
    return file.handle
  }

  const offsetIn = (segment: Segment) => (segment.number === loaded.segment ? loaded.offset : 0)

  const nextUnloaded = () =>
    segments.find((segment) => segment.number >= loaded.segment && segment.bytes > offsetIn(segment))

  const take = (entries: readonly Entry[]) => {
    for (const entry of entries) {
      window.push(entry)
      windowBytes += entry.bytes
    }
  }

  const loadFromMemory = (segment: Segment, entries: readonly Entry[]) => {
    take(entries.filter((entry) => entry.end > offsetIn(segment)))
    segment.unread = 0
    loaded = { segment: segment.number, offset: segment.bytes }
    if (!nextUnloaded()) intake = window
  }

  /** What was appended while a load ran follows what it loaded. */
  const join = (meanwhile: readonly Entry[]) => {
    window.push(...meanwhile)
    const last = meanwhile.at(-1)
    if (last) loaded = endOf(last)
    if (intake === meanwhile) intake = window
  }

  /** The load failed for now: what was appended while it ran is to be read from the disk as well. */
  const forget = (meanwhile: readonly Entry[]) => {
    if (intake === meanwhile) intake = undefined
    for (const entry of meanwhile) {
      windowBytes -= entry.bytes
      const segment = segments.find(({ number }) => number === entry.segment)
      if (segment) segment.unread++
    }
  }

  /** Loads the next chunk; what is damaged is set aside. Rejects when reading is not possible now. */
  const loadChunk = async (segment: Segment) => {
    const to = segment.bytes
    try {
      const chunk = await readChunk(await handleOf(segment), segment.number, offsetIn(segment), to)
      take(chunk.entries)
      segment.unread -= chunk.entries.length
      loaded = { segment: segment.number, offset: chunk.end }
      await damage.lines(directory, segment.number, chunk)
    } catch (error) {
      await closeFile()
      if (isPassing(error)) throw error
      loaded = { segment: segment.number, offset: to }
      await damage.segment(directory, segment.number, error)
    }
  }

  const loadFromDisk = async (segment: Segment) => {
    const reachesEnd = segment === segments.at(-1) && segment.bytes - offsetIn(segment) <= CHUNK_BYTES
    const meanwhile: Entry[] = []
    if (reachesEnd) intake = meanwhile
    try {
      await loadChunk(segment)
    } catch (error) {
      forget(meanwhile)
      throw error
    }
    join(meanwhile)
    const isLoaded = loaded.segment > segment.number || loaded.offset >= segment.bytes
    if (!isLoaded || segment.unread === 0) return
    // What was counted and did not come is lost.
    records -= segment.unread
    onLost(segment.unread)
    segment.unread = 0
  }

  /** Loads more into the window; false: there is no more. */
  const load = async (): Promise<boolean> => {
    if (closed) return false
    const segment = nextUnloaded()
    if (!segment) return false
    if (segment.memory) loadFromMemory(segment, segment.memory)
    else await (loading = loadFromDisk(segment))
    return true
  }

  const isBehind = (segment: Segment) =>
    segment.number < cursor.segment ||
    ((segment !== growing || segment.memory) && segment.number === cursor.segment && segment.bytes <= cursor.offset)

  const removeSegment = async (segment: Segment) => {
    if (file?.number === segment.number) await closeFile()
    if (segment.memory) return
    try {
      await unlink(segmentFile(directory, segment.number))
    } catch (error) {
      // It is behind the cursor: the next start removes it.
      if (!isMissing(error)) damage.report('remove', directory, error)
    }
  }

  const advance = async (position: Position) => {
    cursor = position
    try {
      cursorFile.write(position)
    } catch (error) {
      damage.report('cursor', directory, error)
    }
    const behind = segments.filter(isBehind)
    if (behind.length > 0) segments.splice(0, segments.length, ...segments.filter((segment) => !isBehind(segment)))
    countBytes()
    await Promise.all(behind.map(removeSegment))
  }

  return {
    directory,
    get records() {
      return records
    },
    get bytes() {
      return bytes
    },
    get drained() {
      return records === 0 && window.length === 0 && !nextUnloaded()
    },
    oldest() {
      if (records === 0) return undefined
      return (window[0] && timeOf(window[0].text)) ?? oldest
    },

    begin(number, where) {
      // Opened again by the next commit: the folder may have been made anew.
      cursorFile.close()
      growing = { number, bytes: 0, unread: 0, ...(where === 'memory' && { memory: [] }) }
      segments.push(growing)
      return growing
    },

    added(segment, texts, sizes) {
      const total = sizes.reduce((sum, size) => sum + size, 0)
      if (windowBytes + total > memoryBytes) intake = undefined
      for (let i = 0; i < texts.length; i++) {
        segment.bytes += sizes[i]!
        const entry = { text: texts[i]!, segment: segment.number, end: segment.bytes, bytes: sizes[i]! }
        segment.memory?.push(entry)
        intake?.push(entry)
      }
      records += texts.length
      bytes += total
      if (intake) windowBytes += total
      else segment.unread += texts.length
      if (intake === window) loaded = { segment: segment.number, offset: segment.bytes }
    },

    inMemory: () => segments.filter((segment) => segment.memory),

    async read(limit) {
      while (window.length < limit.records && windowBytes < limit.bytes && (await load()));
      if (closed) return []
      if (window.length === 0 && !isPast(loaded, cursor)) await advance(loaded)
      const batch: Entry[] = []
      let size = 0
      for (const entry of window) {
        if (batch.length > 0 && (batch.length >= limit.records || size + entry.bytes > limit.bytes)) break
        batch.push(entry)
        size += entry.bytes
      }
      return batch
    },

    async commit(last) {
      const end = endOf(last)
      let count = 0
      for (; count < window.length && isPast(endOf(window[count]!), end); count++) windowBytes -= window[count]!.bytes
      if (count === 0) return
      oldest = timeOf(last.text) ?? oldest
      records -= count
      window.splice(0, count)
      await advance(window.length === 0 ? loaded : end)
    },

    async close() {
      closed = true
      // What it reads from would be gone.
      await loading?.catch(() => {})
      await closeFile()
      cursorFile.close()
      if (records === 0 && window.length === 0 && !nextUnloaded()) await rm(directory, { recursive: true, force: true })
    },
  }
}
