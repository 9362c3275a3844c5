import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { spawnWatchdog } from '../../../../src/adapters/postgres/embedded/watchdog.ts'
import { useGround } from '../../../support/fixtures/embedded.ts'

const ground = useGround()

test('a watchdog that was told of a path before anything was there removes it, though no program ran yet', async () => {
  const folders = ['bellows-private', 'kept', 'kept/half-made'].map((name) => path.join(ground(), name))
  const [privateFolder = '', ...others] = folders
  const watchdog = spawnWatchdog(privateFolder)
  for (const folder of others) watchdog.removeAtEnd(folder)
  for (const folder of folders) mkdirSync(folder)
  await watchdog.end()
  expect(folders.filter((folder) => existsSync(folder))).toEqual([])
})

test('a watchdog that was killed takes no more of them, which is no error', async () => {
  const watchdog = spawnWatchdog(path.join(ground(), 'bellows-private'))
  process.kill(watchdog.mark.pid, 'SIGKILL')
  await watchdog.end()
  watchdog.removeAtEnd(path.join(ground(), 'kept'))
})
