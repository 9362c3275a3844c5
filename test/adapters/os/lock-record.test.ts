import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  claim,
  isDead,
  type LockRecord,
  lockRecord,
  readRecord,
} from '../../../src/adapters/os/lock-record.ts'
import { markProcess } from '../../../src/adapters/os/process-mark.ts'
import { useGround } from '../../support/fixtures/embedded.ts'

const ground = useGround()
const file = (): string => path.join(ground(), 'lock')
const gone = { pid: 2_147_483_646, started: 'never' }

let watchdog: ChildProcess
beforeAll(() => {
  watchdog = spawn('sleep', ['600'])
})
afterAll(() => watchdog.kill())

const living = (id: string): LockRecord => lockRecord(id, gone, 'postgres://x')
const dead = (id: string): LockRecord => ({ ...living(id), owner: gone })
const put = (name: string, record: LockRecord): void => writeFileSync(name, JSON.stringify(record))
const holder = (): string => JSON.parse(readFileSync(file(), 'utf8')).id

describe('a record is dead', () => {
  test.each([
    ['not while its owner runs', () => living('a'), false],
    [
      'not while only its watchdog runs',
      () => ({ ...dead('a'), watchdog: markProcess(watchdog.pid ?? 0) }),
      false,
    ],
    ['when neither does', () => dead('a'), true],
    ['when both numbers were given to others', () => recycled(living('a')), true],
  ])('%s', (_when, record, expected) => {
    expect(isDead(record())).toBe(expected)
  })
})

describe('a claim', () => {
  test('has a file that nobody has', async () => {
    expect(await claim(file(), living('me'))).toBeUndefined()
    expect(holder()).toBe('me')
  })

  test('leaves a living holder alone and says who it is', async () => {
    put(file(), living('other'))
    expect(await claim(file(), living('me'))).toMatchObject({ id: 'other', url: 'postgres://x' })
    expect(holder()).toBe('other')
  })

  test('replaces a dead holder and leaves nothing but its own record', async () => {
    put(file(), dead('former'))
    expect(await claim(file(), living('me'))).toBeUndefined()
    expect(holder()).toBe('me')
    expect(readdirSync(ground())).toEqual(['lock'])
  })

  test('replaces a dead holder whom another dead one was about to replace', async () => {
    put(file(), dead('former'))
    put(`${file()}.former`, dead('second'))
    put(`${file()}.former.second`, dead('third'))
    expect(await claim(file(), living('me'))).toBeUndefined()
    expect(holder()).toBe('me')
    expect(readdirSync(ground())).toEqual(['lock'])
  })

  test('leaves alone the successor that a quicker one made of the dead holder meanwhile', async () => {
    put(file(), dead('former'))
    const claimed = claim(file(), living('me'))
    put(file(), living('quicker'))
    expect(await claimed).toMatchObject({ id: 'quicker' })
    expect(holder()).toBe('quicker')
    expect(readdirSync(ground())).toEqual(['lock'])
  })

  test('gives way to a living one that is about to replace the dead holder', async () => {
    put(file(), dead('former'))
    put(`${file()}.former`, living('quicker'))
    expect(await claim(file(), living('me'))).toMatchObject({ id: 'quicker' })
    expect(holder()).toBe('former')
    rmSync(`${file()}.former`)
  })

  test.each(['', '{"id":', 'null and void'])('replaces what is no record: "%s"', async (text) => {
    writeFileSync(file(), text)
    expect(await claim(file(), living('me'))).toBeUndefined()
    expect(holder()).toBe('me')
  })

  test.each([
    ['an empty place', () => {}],
    ['a dead holder', () => put(file(), dead('former'))],
    [
      'a dead holder and a dead successor',
      () => [put(file(), dead('former')), put(`${file()}.former`, dead('second'))],
    ],
  ])('is granted to one of many for %s', async (_what, make) => {
    for (let round = 0; round < 20; round += 1) {
      rmSync(file(), { force: true })
      make()
      const ids = Array.from({ length: 8 }, (_, index) => `claimant-${index}`)
      const outcomes = await Promise.all(ids.map((id) => claim(file(), living(id))))
      const winners = ids.filter((_, index) => outcomes[index] === undefined)
      expect(winners).toEqual([holder()])
    }
  })

  test('fails as the file system does, rather than to wait for it', async () => {
    await expect(claim(path.join(ground(), 'no', 'folder'), living('me'))).rejects.toThrow('ENOENT')
  })
})

test('a record that is being written is read when it is whole', async () => {
  writeFileSync(file(), '')
  const read = readRecord(file())
  setTimeout(() => put(file(), living('slow')), 100)
  expect(await read).toMatchObject({ id: 'slow' })
})

test('where there is no record, none is read', async () => {
  expect(await readRecord(file())).toBeUndefined()
  expect(existsSync(file())).toBe(false)
})

function recycled(record: LockRecord): LockRecord {
  const started = 'at another time'
  return { ...record, owner: { ...record.owner, started }, watchdog: { pid: process.pid, started } }
}
