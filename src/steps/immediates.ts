import * as timers from 'node:timers'

/**
 * Whether `setImmediate`, as it was when this was loaded, is Node.js' own. Tests that install fake timers first (sinon, node:test)
 * have one that never runs by itself: then nothing may wait for it.
 */
export const hasImmediates = /\bnew Immediate\(/.test(Function.prototype.toString.call(timers.setImmediate))
