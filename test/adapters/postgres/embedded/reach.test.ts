import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  blockedFolder,
  EXECUTE,
  permits,
  READ_AND_EXECUTE,
} from '../../../../src/adapters/postgres/embedded/reach.ts'
import { asRoot, useGround } from '../../../support/fixtures/embedded.ts'

const ground = useGround()
const stranger = { uid: 4242, gid: 4343 }

/** A folder with the modes along its way, such as `make([0o755, 0o700])`. */
const make = (modes: readonly number[]): readonly string[] => {
  let folder = ground()
  return modes.map((mode, index) => {
    folder = path.join(folder, `level-${index}`)
    mkdirSync(folder)
    chmodSync(folder, mode)
    return folder
  })
}

describe('a user may pass', () => {
  test.each([
    [0o700, 'owner', EXECUTE, true],
    [0o070, 'owner', EXECUTE, false],
    [0o070, 'group', EXECUTE, true],
    [0o707, 'group', EXECUTE, false],
    [0o001, 'other', EXECUTE, true],
    [0o770, 'other', EXECUTE, false],
    [0o711, 'other', READ_AND_EXECUTE, false],
    [0o755, 'other', READ_AND_EXECUTE, true],
    [0o744, 'other', READ_AND_EXECUTE, false],
  ])('a folder of mode %o as its %s, asking for %o: %s', (mode, as, access, expected) => {
    const [folder] = make([mode])
    const stats = statSync(String(folder))
    const uid = as === 'owner' ? stats.uid : 4242
    const gid = as === 'group' ? stats.gid : 4343
    expect(permits(stats, { uid, gid }, access)).toBe(expected)
  })
})

describe('the folder in the way', () => {
  test('is none for whoever runs this process', () => {
    const [, inner] = make([0o755, 0o700])
    expect(blockedFolder(path.join(String(inner), 'x'), undefined)).toBeUndefined()
  })

  test.each<[string, readonly number[], number | undefined]>([
    ['none when all are open', [0o755, 0o755], undefined],
    ['none when all can be passed though not read', [0o711, 0o711], undefined],
    ['the first of those that are closed', [0o755, 0o700], 1],
    ['the outer one when the inner one is open', [0o750, 0o777], 0],
  ])('is %s', (_what, modes, expected) => {
    const folders = make(modes)
    const blocked = expected === undefined ? undefined : folders[expected]
    expect(blockedFolder(path.join(String(folders.at(-1)), 'file'), stranger)).toBe(blocked)
    // What is not there yet is judged by what it will be in.
    expect(blockedFolder(path.join(String(folders.at(-1)), 'not', 'there', 'yet'), stranger)).toBe(blocked)
  })

  test.runIf(asRoot)('is found behind a symbolic link', () => {
    const [outer, closed] = make([0o755, 0o700])
    const target = path.join(String(closed), 'target')
    mkdirSync(target)
    chownSync(target, stranger.uid, stranger.gid)
    symlinkSync(target, path.join(String(outer), 'link'))
    expect(blockedFolder(path.join(String(outer), 'link', 'file'), stranger)).toBe(closed)
  })
})
