import { describe, expect, it } from 'vitest'
import { requirePeer, resolvePeer } from '../src/peer.ts'

describe('a peer', () => {
  it('is found and loaded', () => {
    expect(resolvePeer('pg')).toMatch(/pg/)
    expect(requirePeer('pg')).toHaveProperty('Client')
  })

  it.each([
    ['no-such-driver', 'no-such-driver'],
    ['no-such-driver/lib/file.js', 'no-such-driver'],
    ['@nobody/no-such-driver/file', '@nobody/no-such-driver'],
  ])('that is missing (%s) is named with the command that installs it', (name, install) => {
    expect(() => requirePeer(name)).toThrow(`npm install ${install}`)
    expect(() => requirePeer(name)).toThrow(expect.objectContaining({ code: 'PREDICTIONS_MISSING_PACKAGE' }) as Error)
  })
})
