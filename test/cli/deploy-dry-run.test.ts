import { expect, test } from 'vitest'
import { processDeployer } from '../../src/adapters/process/control-client.ts'
import { catalog } from '../support/catalog.ts'
import { killedAt, type Stage, stage } from './deploy-support.ts'

/** All that a deployment could have changed. */
async function everything({ place, database }: Stage) {
  return {
    catalog: await catalog(database),
    events: await database.query('select seq, event from bellows.event order by seq'),
    states: await database.query('select * from bellows.column_state order by 1, 2, 3'),
    fleet: (await processDeployer(`${place.folder}/.bellows`).fleet()).map(({ id, state }) => [id, state]),
  }
}

test('bellows deploy --dry-run says what would happen, from wherever it stands, and does nothing', async () => {
  const here = await stage()
  const { place, confirm } = here
  const fresh = await everything(here)
  const first = await place.run('deploy', '0002_rename', '--to', '1', '--dry-run')
  expect(first, first.err).toMatchObject({ code: 0, err: '' })
  expect(first.out).toMatch(
    /^The deployment of "1" for 0002_rename would do this; nothing is done now\.\nexpand\n {2}0002_rename\/expand\/1 [\s\S]*\nbackfill\n[\s\S]*\nverify\n[\s\S]*\nrollout\n {2}will start 2\n[\s\S]*\nretire\n[\s\S]*\npurge\n/,
  )
  expect(first.out, 'nobody can be asked yet').not.toContain('gate, as it is now')
  expect(await everything(here)).toEqual(fresh)

  await place.run('deploy', '0002_rename', '--to', '1', '--no-contract')
  const before = await everything(here)
  const { code, out } = await place.run('deploy', '--to', '2', '--dry-run')
  expect(code).toBe(0)
  expect(out).not.toMatch(/^(expand|backfill|verify)$/m)
  expect(out).toMatch(
    /\nrollout\n {2}will replace 2 instances[\s\S]*\ngate, as it is now\n"users"\."name" is active\n {2}inventory +red [\s\S]*\n {2}leases +red [\s\S]*\nretire\n[\s\S]*\npurge\n/,
  )
  const json = await place.run('deploy', '--to', '2', '--dry-run', '--no-contract', '--json')
  expect(JSON.parse(json.out)).toMatchObject({
    dryRun: {
      migration: '0002_rename',
      version: '2',
      ahead: [],
      rollout: [expect.stringContaining('replace 2'), ...Array(3).fill(expect.any(String))],
    },
  })
  expect(await everything(here)).toEqual(before)
  const kept = ['--grace', '1h', '--reap']
  expect((await place.run('deploy', '--to', '2', ...confirm, ...kept)).code, 'and then it does').toBe(0)
  expect((await place.run('reap')).out).toMatch(/^0002_rename: kept for another (1 h 0|59) min/)
})

test('bellows deploy means the migration whose rollout is not over, when none is named', async () => {
  const { place } = await stage()
  await place.run('deploy', '0002_rename', '--to', '1', '--no-contract')
  const more = 'operations:\n  - add_column: { table: users, column: more, type: text }\n'
  await place.write('migrations/0003_more.yaml', more)
  await killedAt(place, 'starts', '0003_more', '--to', '1.1', '--no-contract')

  const { out } = await place.run('deploy', '--to', '1.1', '--dry-run', '--no-contract')
  expect(out).toMatch(
    /^The deployment of "1\.1" for 0003_more [\s\S]*0003_more: the rollout of "1\.1" is under way\n {2}it goes on by the rules/,
  )
  for (const refused of [
    ['--to', '1.2'],
    ['0002_rename', '--to', '2'],
  ]) {
    expect(await place.run('deploy', ...refused, '--dry-run')).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('The rollout of "1.1" is not over.'),
    })
  }
  await place.write('migrations/0003_more.yaml', more.replace('more,', 'other,'))
  for (const contract of [[], ['--no-contract']])
    expect(await place.run('deploy', '--to', '1.1', '--dry-run', ...contract)).toMatchObject({
      code: 4,
      out: '',
      err: expect.stringContaining('"0003_more" was changed after it had been started'),
    })
  await place.remove('migrations/0003_more.yaml')
  expect((await place.run('deploy', '--to', '1.1', '--dry-run')).code, 'its file is gone').toBe(0)
  expect((await place.run('deploy', 'status')).out).toContain('0003_more: the rollout of "1.1" is under way')
  // The one who was killed still counts as the driver until its session is gone.
  await expect
    .poll(() => place.run('deploy', 'abort').then(({ out, err }) => out + err), { interval: 500 })
    .toContain('The rollout of "1.1" for 0003_more is rolled back.')
})

test('bellows deploy of a version that was taken back means the same migration as before, when none is named', async () => {
  const { place } = await stage()
  expect((await place.run('deploy', '--to', 'broken', '--no-contract')).code).toBe(1)

  const again = await place.run('deploy', '--to', 'broken', '--dry-run', '--no-contract')
  expect(again.out).toMatch(/^The deployment of "broken" for 0001_add_email /)
  const other = await place.run('deploy', '--to', '1', '--dry-run', '--no-contract')
  expect(other.out, 'another version is for what comes next').toMatch(
    /^The deployment of "1" for 0002_rename /,
  )
})
