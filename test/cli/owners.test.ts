import { describe, expect, test } from 'vitest'
import { workplace } from '../support/cli.ts'
import { testDatabase } from '../support/database.ts'

const USERS = `create table users (id int primary key, name text not null);
  insert into users select i, 'user ' || i from generate_series(1, 10) i`
const RENAME = 'operations:\n  - rename_column: { table: users, from: name, to: full_name }\n'

const MIXED = `${RENAME}  - drop_index: { table: users, index: by_id }\n`

async function atTheGate(migration = RENAME) {
  const database = await testDatabase(`${USERS}; create index by_id on users (id)`)
  const place = await workplace({ DATABASE_URL: database.url, CI_JOB_URL: 'https://ci.example/7' })
  await place.run('init')
  await place.write('bellows.config.yaml', 'settings: { gate: { quietMs: 0 } }')
  await place.write('migrations/0001_rename.yaml', migration)
  await place.run('verify')
  await database.query(`select bellows.register('new-1', array['users.full_name'])`)
  return { database, place, confirm: ['--confirm', database.name] }
}

describe('clients', () => {
  test('are declared, answered for and forgotten, by their names', async () => {
    const { place } = await atTheGate()
    expect(await place.run('clients')).toMatchObject({ code: 0, out: expect.stringContaining('No client') })
    expect(
      await place.run('clients', 'add', 'bi', '--role', 'metabase', '--owner', 'data team'),
    ).toMatchObject({
      code: 0,
      out: expect.stringContaining('next: bellows clients acknowledge bi'),
    })
    expect(await place.run('gate')).toMatchObject({
      code: 5,
      out: expect.stringMatching(/clients +red +"data team" has not said that the client "bi" does without/),
    })
    expect(await place.run('clients', 'acknowledge', 'bi', '0001_rename', '--by', 'ana')).toMatchObject({
      code: 0,
      out: 'ana has said that bi does without what "0001_rename" removes.\n',
    })
    expect((await place.run('clients', 'list', '0001_rename')).out).toMatch(
      /^bi {2}role metabase, owner data team {2}acknowledged by ana at /,
    )
    expect(JSON.parse((await place.run('clients', '--json')).out)).toMatchObject({
      clients: [{ client: 'bi', acknowledged: null }],
    })
    expect((await place.run('gate')).code).toBe(0)
    expect((await place.run('clients', 'remove', 'bi')).code).toBe(0)
  })

  test.for<[string, readonly string[], RegExp]>([
    ['nobody to answer', ['add', 'bi', '--role', 'x'], /--owner/],
    ['nothing that tells it', ['add', 'bi', '--owner', 'x'], /--role[\s\S]*--application/],
    ['an empty role', ['add', 'bi', '--role', '', '--owner', 'x'], /must not be empty/],
    ['no name', ['add', ' ', '--role', 'x', '--owner', 'x'], /must not be empty/],
    ['a client that is not there', ['acknowledge', 'bi', '--by', 'x'], /No client "bi" is declared/],
    ['a migration that is not there', ['acknowledge', 'bi', '0009_x', '--by', 'x'], /was not begun/],
    ['nobody who says so', ['acknowledge', 'bi'], /--by/],
    ['a client that is not there to be forgotten', ['remove', 'bi'], /No client "bi" is declared/],
  ])('are refused with %s', async ([, args, says]) => {
    const { place } = await atTheGate()
    expect(await place.run('clients', ...args)).toMatchObject({ code: 64, err: expect.stringMatching(says) })
  })
})

describe('a check that is gone without', () => {
  test('needs a reason, and is in the audit with who and what was seen', async () => {
    const { database, place, confirm } = await atTheGate()
    await database.session('psql')
    expect((await place.run('contract', ...confirm)).code).toBe(5)
    expect(await place.run('contract', ...confirm, '--override', 'sessions')).toMatchObject({
      code: 64,
      err: expect.stringContaining('without a reason'),
    })
    expect(await place.run('audit')).toMatchObject({ code: 0, out: 'No check was ever gone without.\n' })
    const why = ['--override', 'sessions', '--reason', 'the psql of the on-call']
    expect((await place.run('gate', ...why)).out).toContain('gone on without: the psql of the on-call')
    expect((await place.run('contract', ...confirm, ...why)).code).toBe(0)

    expect((await place.run('audit')).out).toMatch(
      /0001_rename {2}"users"."name" without sessions: the psql of the on-call\n {4}by \S+@\S+ as role postgres, with bellows\/\S+ contract, https:\/\/ci\.example\/7\n {4}seen: the session \d+ of "postgres", called "psql"/,
    )
    expect(JSON.parse((await place.run('audit', '--json')).out)).toMatchObject({
      overrides: [
        { check: 'sessions', actor: { pipeline: 'https://ci.example/7' } },
        { check: 'usage', setting: 'gate.quietMs 0 s instead of 60 s' },
      ],
    })
  })

  test('is so in part by a flag that asks for less than usual, for which a reason may be given', async () => {
    const { place, confirm } = await atTheGate()
    const flags = ['--silent-grace', '1s', '--reason', 'every machine was stopped']
    expect((await place.run('contract', ...confirm, ...flags)).code).toBe(0)
    expect((await place.run('audit')).out).toMatch(
      /"users"."name" with the check leases loosened \(gate.silentGraceMs 1 s instead of 10 min\): every machine was stopped\n {4}by \S+ as role postgres, with bellows\/\S+ contract, https:\/\/ci\.example\/7\n {4}seen: /,
    )
  })

  test.for<[string, string, RegExp]>([
    ['everything', 'all', /no check "all"; there are inventory, leases/],
    ['what depends on it', 'dependents', /Nobody can go on without the check "dependents"/],
    ['open transactions', 'transactions', /Nobody can go on without/],
    ['all leases at once', 'leases', /Say which instance: leases:<instance>/],
  ])('is never %s', async ([, name, says]) => {
    const { place, confirm } = await atTheGate()
    expect(await place.run('contract', ...confirm, '--override', name, '--reason', 'x')).toMatchObject({
      code: 64,
      err: expect.stringMatching(says),
    })
  })
})

describe('an instance that is released by hand', () => {
  test('needs a reason while its lease goes on, and is in the audit', async () => {
    const { place } = await atTheGate()
    expect(await place.run('instances', 'release', 'new-1')).toMatchObject({
      code: 64,
      err: expect.stringContaining('bellows instances release new-1 --reason'),
    })
    expect(await place.run('instances', 'release', 'new-1', '--reason', 'it is no more')).toMatchObject({
      code: 0,
      out: 'new-1 is released.\n',
    })
    expect((await place.run('instances', 'release', 'new-1')).out).toMatch(/nothing to do/)
    expect((await place.run('audit')).out).toMatch(
      /the instance "new-1" was released by hand: it is no more\n {4}by \S+ as role postgres, with bellows\/\S+ instances, \S+\n {4}seen: live, its lease went on until .*, it used public\.users\.full_name\n$/,
    )
  })
})

describe('brownout', () => {
  test('is confirmed, ends when told to, and is part of the gate from then on', async () => {
    const { database, place, confirm } = await atTheGate()
    expect(await place.run('brownout', '--for', '10min')).toMatchObject({
      code: 64,
      err: expect.stringContaining(
        'every client that writes an old column or uses an old view of "0001_rename" gets an error',
      ),
    })
    for (const [wrong, says] of [
      [[], /not said how long/],
      [['--for', '2h'], /cannot be that long: 7200 s/],
      [['--for', '0'], /cannot be that long: 0 s/],
    ] as const)
      expect(await place.run('brownout', ...wrong, ...confirm)).toMatchObject({
        code: 64,
        err: expect.stringMatching(says),
      })
    expect(await place.run('brownout', '--for', '10min', ...confirm)).toMatchObject({
      code: 0,
      out: expect.stringContaining('bellows brownout 0001_rename --stop'),
    })
    await expect(database.query(`update users set name = 'x' where id = 1`)).rejects.toThrow(/on trial/)
    expect(await place.run('gate')).toMatchObject({ code: 5, out: expect.stringMatching(/brownout +red/) })
    expect((await place.run('brownout', '--stop')).code).toBe(0)
    await database.query(`update users set name = 'x' where id = 1`)
  })
})

describe('reap', () => {
  test('drops what a contract has let it drop, after the grace', async () => {
    const { database, place, confirm } = await atTheGate()
    expect(await place.run('reap')).toMatchObject({ code: 0, out: 'Nothing waits to be dropped.\n' })
    expect((await place.run('contract', ...confirm, '--grace', '1h', '--reap')).code).toBe(0)
    expect(await place.run('reap')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^0001_rename: kept for another (1 h 0|59) min/),
    })
    await database.query(`alter table bellows.event disable trigger append_only;
      update bellows.event set at = at - interval '2 hours'; alter table bellows.event enable trigger append_only`)
    expect(await place.run('reap')).toMatchObject({ code: 0, out: '0001_rename: dropped.\n' })
    expect((await place.run('status')).out).toContain('completed')
  })

  test('is what is next at the gate of what waits for it, by the version that was said to stay', async () => {
    const { database, place, confirm } = await atTheGate(MIXED)
    await database.query(`select bellows.register('new-1', array['users.full_name'], version => '2')`)
    const contract = await place.run('contract', ...confirm, '--grace', '25h', '--reap', '--to', '2')
    expect(contract, contract.err).toMatchObject({ code: 0 })
    const gate = await place.run('gate')
    expect(gate, gate.out).toMatchObject({
      code: 0,
      out: expect.stringMatching(/next: bellows reap drops it, once it has been hidden for 25 h 0 min\n$/),
    })
  })
})
