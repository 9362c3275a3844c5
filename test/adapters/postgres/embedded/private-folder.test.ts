import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { processSpace } from '../../../../src/adapters/os/lock-record.ts'
import { startEmbedded } from '../../../../src/adapters/postgres/embedded/start.ts'
import { sweepPrivateFolders } from '../../../../src/adapters/postgres/embedded/sweep.ts'
import { asRoot, failure, query, useGround } from '../../../support/fixtures/embedded.ts'

const ground = useGround()
const gone = { pid: 2_147_483_646, started: 'never' }

const put = (name: string, record: object | string, file = 'private.lock'): void => {
  const folder = path.join(ground(), name)
  mkdirSync(folder)
  writeFileSync(path.join(folder, file), typeof record === 'string' ? record : JSON.stringify(record))
}

describe('the temporary folder', () => {
  test.runIf(asRoot)(
    "is elsewhere when the server's user cannot get to where the environment says",
    async () => {
      const closed = path.join(ground(), 'closed')
      mkdirSync(closed, { mode: 0o700 })
      vi.stubEnv('TMPDIR', closed)
      const server = await startEmbedded({})
      expect(server.dataFolder).toMatch(/^\/tmp\/bellows-/)
      expect(await query(server.url, 'select 1')).toEqual([['1']])
      await server.stop()
      expect(existsSync(server.dataFolder)).toBe(false)
    },
  )

  test('is asked for when there is no place for one', async () => {
    vi.stubEnv('TMPDIR', path.join(ground(), 'not-there'))
    const error = await failure(startEmbedded({}))
    expect(error.code).toBe('embedded_unavailable')
    expect(error.hint).toContain('TMPDIR')
  })
})

describe('a sweep', () => {
  const dead = { id: 'x', owner: gone, watchdog: gone, url: '', processSpace: processSpace() }

  test('removes what a dead process left, and only that', async () => {
    put('bellows-dead', dead)
    put('bellows-of-another-container', { ...dead, processSpace: 'pid:[1]' })
    put('bellows-kept-data', dead, 'bellows.lock')
    put('bellows-something', 'else', 'photo.jpg')
    put('other-name', dead)
    writeFileSync(path.join(ground(), 'bellows-file'), '')
    await sweepPrivateFolders(ground())
    const left = ['file', 'kept-data', 'of-another-container', 'something'].map((name) => `bellows-${name}`)
    expect(readdirSync(ground()).toSorted()).toEqual([...left, 'other-name'])
    for (const name of left) rename(name)
  })

  test.runIf(asRoot)('leaves alone what another user made', async () => {
    put('bellows-planted', dead)
    chownSync(path.join(ground(), 'bellows-planted'), 4242, 4242)
    await sweepPrivateFolders(ground())
    expect(readdirSync(ground())).toEqual(['bellows-planted'])
    rename('bellows-planted')
  })
})

/** So that it does not count as left behind. */
function rename(name: string): void {
  renameSync(path.join(ground(), name), path.join(ground(), name.replace('bellows-', 'seen-')))
}
