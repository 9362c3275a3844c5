import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, stat, statfs } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import type { SettingsChange } from '../../src/config.ts'
import type { Braked, Notice } from '../../src/core/run/event.ts'
import { cleanUp } from '../support/database.ts'
import { sessionOn, startServer } from '../support/own-server.ts'
import { rename } from '../support/rename.ts'

const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const ROWS = 5_000
const MB = 1024 ** 2
const RESERVE = 50 * MB
const USERS = `create table users (id int primary key, name text not null);
  insert into users select i, repeat('x', 200) || i from generate_series(1, ${ROWS}) i; analyze users; checkpoint`
/** 140 MB that the log has nothing of. */
const BALLAST = `create unlogged table ballast as select repeat(md5(i::text), 40) as pad from generate_series(1, 110000) i`

test('a backfill is not begun without room, pauses when the disk fills up, and goes on when there is room', async () => {
  const { url } = await startServer()
  const shop = await sessionOn(url, 'shop')
  await shop.query(USERS)
  const notices: Notice[] = []
  const opened = async (brake: SettingsChange['brake'], database = url) => {
    const bellows = await openBellows({
      database,
      settings: { batch: { rows: 100 }, brake: { pollMs: 50, diskReserveBytes: RESERVE, ...brake } },
      onNotice: (notice) => void notices.push(notice),
    })
    cleanUp(() => bellows.close())
    return bellows
  }
  const used = async () => {
    const { rows } = await shop.query(
      'select (select sum(pg_database_size(oid)) from pg_database) + (select sum(size) from pg_ls_waldir()) as used',
    )
    return Number(rows[0].used)
  }
  const filled = async () => Number((await shop.query('select count(full_name) from users')).rows[0].count)
  const last = () => notices.findLast((one): one is Braked => one.type === 'braked')

  // The file system of this machine is that of the server.
  const unsaid = await opened({})
  const plan = await unsaid.plan(MIGRATION)
  expect(await unsaid.room(plan)).toEqual({
    needBytes: expect.any(Number),
    freeBytes: expect.toSatisfy((free: number) => free > 0),
    reserveBytes: RESERVE,
  })
  // An ordinary role may not know where the server has its files; by the size that is said it can tell, too.
  await shop.query('create role plain login')
  const plain = url.replace('//postgres@', '//plain@')
  expect(await (await opened({}, plain)).room(plan)).toMatchObject({ freeBytes: null })
  const said =
    (await (await opened({ diskBytes: (await used()) + 10_000 * MB }, plain)).room(plan))?.freeBytes ?? 0
  expect(said / MB, 'its log is taken to be as large as it may become').toBeLessThan(10_000)
  expect(said / MB).toBeGreaterThan(8_000)

  const full = await opened({ diskBytes: (await used()) + RESERVE + MB })
  await expect(full.change((driver) => driver.advance(MIGRATION, 'expand'))).rejects.toMatchObject({
    code: 'no_room',
    message: expect.stringMatching(
      /^There is too little room on the disk: the backfill needs .+ MB, of \d+ MB that are free/,
    ),
  })
  expect(await full.runs()).toEqual([])

  const bellows = await opened({ diskBytes: (await used()) + 3 * RESERVE })
  const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  await bellows.throttle(id, { share: 0, reason: 'the test' })
  const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await expect.poll(() => last()?.pace, { timeout: 20_000 }).toBe('pause')
  await shop.query(BALLAST)
  const short = expect.stringMatching(/^disk: .+ free, reserve 50 MB$/)
  await expect.poll(() => last()?.because, { timeout: 20_000 }).toContainEqual(short)
  await bellows.throttle(id, { share: 1 })
  await expect.poll(() => last(), { timeout: 20_000 }).toMatchObject({ pace: 'pause', because: [short] })
  expect(await filled()).toBe(0)

  await shop.query('drop table ballast')
  await filling
  expect(await filled()).toBe(ROWS)
})

const MEMORY = '/dev/shm'

// A disk of its own that every Linux has, and where it is the smaller one.
test.runIf(existsSync(MEMORY))('the disk of a tablespace counts, for whoever is in it', async () => {
  const { url } = await startServer()
  const shop = await sessionOn(url, 'shop')
  const folder = await mkdtemp(`${MEMORY}/bellows-tablespace-`)
  cleanUp(() => rm(folder, { recursive: true, force: true }))
  const [{ at }] = (await shop.query(`select current_setting('data_directory') as at`)).rows
  const owner = await stat(at)
  await chown(folder, owner.uid, owner.gid)
  await shop.query(`create tablespace memory location '${folder}'`)
  await shop.query(USERS)
  const bellows = await openBellows({ database: url, settings: { brake: { diskReserveBytes: 1 } } })
  cleanUp(() => bellows.close())
  const free = async () => (await bellows.room(await bellows.plan(MIGRATION)))?.freeBytes ?? 0
  const { bavail, bsize } = await statfs(MEMORY)
  const own = await free()
  await shop.query('alter index users_pkey set tablespace memory')
  const both = await free()
  // What others do meanwhile on either disk is less than the half.
  if (bavail * bsize < own / 2) expect(both).toBeLessThan(own / 2)
  expect(both).toBeLessThanOrEqual(bavail * bsize * 2)
})
