import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  isPostmasterOf,
  readPostmaster,
  retirePostmaster,
} from '../../../../src/adapters/postgres/embedded/postmaster.ts'
import { runs, useGround } from '../../../support/fixtures/embedded.ts'

const ground = useGround()
const pidFile = (): string => path.join(ground(), 'postmaster.pid')
const putPidFile = (first: string | number): void =>
  writeFileSync(pidFile(), `${first}\n/data\n1700000000\n5432\n/run\n\n 5432001 3\nready   \n`)

describe('postmaster.pid', () => {
  test.each([
    [
      'of a running server',
      '42\n/data\n1700000000\n5432\n/run\n\n 5432001 3\nready   \n',
      { pid: 42, status: 'ready' },
    ],
    ['of one that has only begun', '42\n/data\n1700000000\n5432\n', { pid: 42, status: '' }],
    ['of a standalone backend', '-42\n/data\n', { pid: 42, status: '' }],
    ['that is empty', '', undefined],
    ['that is something else', 'x\ny\n', undefined],
  ])('%s is understood', (_what, text, expected) => {
    writeFileSync(pidFile(), text)
    expect(readPostmaster(ground())).toEqual(expected)
  })

  test('that is not there names nobody', () => {
    expect(readPostmaster(ground())).toBeUndefined()
    expect(isPostmasterOf(2_147_483_646, ground())).toBe(false)
  })
})

describe('what a dead owner left', () => {
  test('is nothing where there is no file', async () => {
    expect(await retirePostmaster(ground())).toBeUndefined()
    expect(existsSync(pidFile())).toBe(false)
  })

  test('is a file that no longer names a living process, and otherwise says the same', async () => {
    putPidFile(process.pid)
    expect(await retirePostmaster(ground())).toBeUndefined()
    const text = readFileSync(pidFile(), 'utf8')
    expect(text).toBe('2147483647\n/data\n1700000000\n5432\n/run\n\n 5432001 3\nready   \n')
    expect(() => process.kill(2_147_483_647, 0)).toThrow('ESRCH')
  })

  test.each([
    ['is stopped when it is of ours', '-c "cluster_name=bellows"', false],
    ['is left alone and named when it is not', '-c "port=5432"', true],
  ])('in the way of a server %s', async (_what, opts, lives) => {
    // Whatever works in the data folder counts, and this here stops by SIGINT as a server does.
    const server = spawn('sleep', ['600'], { cwd: ground() })
    const ended = once(server, 'exit')
    putPidFile(server.pid ?? 0)
    writeFileSync(path.join(ground(), 'postmaster.opts'), `/bin/postgres ${opts}\n`)
    expect(await retirePostmaster(ground())).toBe(lives ? server.pid : undefined)
    expect(runs(server.pid ?? 0)).toBe(lives)
    server.kill()
    await ended
  })

  test('is never written to through a link that somebody put there', async () => {
    const target = path.join(ground(), 'precious')
    writeFileSync(target, '1\nkeep this\n')
    mkdirSync(path.join(ground(), 'pgdata'))
    symlinkSync(target, path.join(ground(), 'pgdata', 'postmaster.pid'))
    await expect(retirePostmaster(path.join(ground(), 'pgdata'))).rejects.toThrow('ELOOP')
    expect(readFileSync(target, 'utf8')).toBe('1\nkeep this\n')
  })
})
