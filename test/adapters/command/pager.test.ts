import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { commandPager } from '../../../src/adapters/command/pager.ts'
import type { Page } from '../../../src/engine/ports.ts'
import { cleanUp } from '../../support/database.ts'

const PAGE: Page = {
  database: 'shop',
  migration: '0002_rename',
  run: 7,
  version: '2.4.0',
  outcome: 'paused',
  direction: 'back',
  because: `the rollback failed: it's "web-1"; $HOME`,
  failed: 'web-1-r3-1',
}
const WAIT_MS = 20_000

test('the command has what there is to tell in its environment, word for word', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'bellows-pager-'))
  cleanUp(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'told')
  const line = `env | grep ^BELLOWS_ | sort > '${file}'`
  expect(await commandPager(line, WAIT_MS)(PAGE)).toBeUndefined()
  const told = Object.fromEntries(
    (await readFile(file, 'utf8')).split('\n').map((one) => /^(\w+)=(.*)$/.exec(one)?.slice(1) ?? []),
  )
  expect(told).toMatchObject({
    BELLOWS_DATABASE: 'shop',
    BELLOWS_MIGRATION: '0002_rename',
    BELLOWS_RUN: '7',
    BELLOWS_VERSION: '2.4.0',
    BELLOWS_OUTCOME: 'paused',
    BELLOWS_DIRECTION: 'back',
    BELLOWS_BECAUSE: PAGE.because,
    BELLOWS_INSTANCE: 'web-1-r3-1',
  })
})

test.each<[string, string | readonly string[], number, string]>([
  [
    'fails',
    'echo no route >&2; exit 3',
    WAIT_MS,
    'the command for "notify" ended with exit code 3: no route',
  ],
  ['does not end', 'sleep 60', 50, 'the command for "notify" did not end within 0.05 s'],
  ['is not there', ['/nowhere/page'], WAIT_MS, 'the command for "notify" could not be run: /nowhere/page: '],
])('a command that %s is told of, and nothing is thrown', async (_what, command, timeoutMs, problem) => {
  expect(await commandPager(command, timeoutMs)(PAGE)).toContain(problem)
})

test('reasons of any length are told as far as an environment takes them', async () => {
  const because = 'x'.repeat(2_000_000)
  expect(
    await commandPager('[ "$(printenv BELLOWS_BECAUSE | wc -c)" -gt 1000 ]', WAIT_MS)({ ...PAGE, because }),
  ).toBeUndefined()
})
