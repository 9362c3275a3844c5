import { describe, expect, test } from 'vitest'
import { workplace } from '../support/cli.ts'
import { testDatabase } from '../support/database.ts'

const USERS = `create table users (id bigint generated always as identity primary key, name text not null unique, legacy text);
  insert into users (name) select 'user ' || i from generate_series(1, 3000) i;`

const RENAME = 'operations:\n  - rename_column: { table: users, from: name, to: full_name }\n'

/** A workplace with one migration that renames users.name, on a database of its own. */
async function renaming(...setUp: string[]) {
  const database = await testDatabase(USERS, ...setUp)
  const place = await workplace({ DATABASE_URL: database.url })
  await place.run('init')
  await place.write('migrations/0001_rename.yaml', RENAME)
  return { database, place }
}

const json = (text: string) => JSON.parse(text) as Record<string, never> & { error: { code: string } }

describe('from the first command to the last', () => {
  test('a column is renamed as the README says', async () => {
    const database = await testDatabase(USERS)
    const place = await workplace({ DATABASE_URL: database.url })

    expect(await place.run('doctor')).toMatchObject({ code: 0, out: expect.stringContaining('PostgreSQL') })
    expect(await place.run('init', '--database', database.url)).toMatchObject({
      code: 0,
      out: expect.stringContaining('Made migrations/ and bellows.config.yaml'),
    })
    expect(await place.run('new', 'rename user name', '--rename', 'users.name:full_name')).toMatchObject({
      code: 0,
      out: 'migrations/0001_rename_user_name.yaml\n',
    })
    const plan = await place.run('plan')
    expect(plan).toMatchObject({ code: 0, err: '' })
    for (const part of [
      'access exclusive on users',
      'hazard',
      'rollback, possible until purge',
      'instant; no scan',
    ]) {
      expect(plan.out).toContain(part)
    }
    expect(
      await database.query('select from information_schema.columns where column_name = $1', ['full_name']),
    ).toEqual([])

    const steps = [
      ['expand', 'expanded', 'bellows backfill 0001_rename_user_name'],
      ['backfill', 'backfilled', 'bellows verify 0001_rename_user_name'],
      ['verify', 'verified', 'bellows contract 0001_rename_user_name'],
    ] as const
    for (const [command, stage, next] of steps) {
      const ran = await place.run(command)
      expect(ran, command).toMatchObject({
        code: 0,
        out: expect.stringMatching(new RegExp(`${stage}[\\s\\S]*next: ${next}`)),
      })
    }

    await database.query(`select bellows.register('app-1', array['users.full_name'])`)
    const contract = await place.run('contract', '--quiet', '0', '--confirm', database.name)
    expect(contract).toMatchObject({ code: 0, out: expect.stringContaining('completed') })
    expect(
      await database.query('select count(*)::int as rows from users where full_name is not null'),
    ).toEqual([{ rows: 3000 }])
    expect(await place.run('status', '--exit-code')).toMatchObject({
      code: 0,
      out: expect.stringContaining('versions 1, 2, 3'),
    })
  })

  test('every command that was done may be run again', async () => {
    const { place, database } = await renaming()
    for (const command of ['expand', 'expand', 'backfill', 'backfill', 'verify', 'verify']) {
      expect((await place.run(command)).code, command).toBe(0)
    }
    for (let time = 1; time <= 2; time += 1) {
      const ran = await place.run(
        'contract',
        '0001_rename',
        '--quiet',
        '0',
        '--confirm',
        database.name,
        '--allow-no-instances',
        'a test',
      )
      expect(ran.code, ran.err).toBe(0)
    }
    expect(await database.query(`select count(*)::int as runs from bellows.run`)).toEqual([{ runs: 1 }])
    expect(await place.run('plan', '0001_rename')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^"0001_rename" is completed: nothing is left to do\./),
    })
    expect(json((await place.run('plan', '0001_rename', '--json')).out)).toMatchObject({ completed: true })
  })

  test('rollback takes everything back, and the migration can begin anew', async () => {
    const { place } = await renaming()
    await place.run('verify')
    expect(await place.run('rollback', '--yes')).toMatchObject({
      code: 0,
      out: expect.stringContaining('rolled back'),
    })
    // Whoever did not see the answer asks again.
    expect(await place.run('rollback', '0001_rename', '--yes')).toMatchObject({
      code: 0,
      out: expect.stringContaining('rolled back'),
    })
    expect(await place.run('status')).toMatchObject({ out: expect.stringContaining('pending') })
    expect((await place.run('expand')).code).toBe(0)
  })

  test('a hidden column is kept for its grace, can be brought back, and is dropped after the grace', async () => {
    const { place, database } = await renaming()
    const contract = (...more: string[]) =>
      place.run(
        'contract',
        '--quiet',
        '0',
        '--confirm',
        database.name,
        '--allow-no-instances',
        'a test',
        ...more,
      )
    await place.run('verify')
    expect(await place.run('undo')).toMatchObject({
      code: 3,
      err: expect.stringContaining('nothing to undo'),
    })
    expect(await contract('--grace', '1h')).toMatchObject({ code: 0, out: expect.stringContaining('hidden') })
    expect(await contract('--grace', '1h')).toMatchObject({
      code: 5,
      err: expect.stringContaining('kept for another'),
    })
    expect(await place.run('undo')).toMatchObject({ code: 0, out: expect.stringContaining('at the gate') })
    expect(await database.query('select name = full_name as equal from users limit 1')).toEqual([
      { equal: true },
    ])
    // Whoever did not see the answer asks again.
    expect(await place.run('undo')).toMatchObject({ code: 0, out: expect.stringContaining('at the gate') })
    expect(await contract('--grace', '0')).toMatchObject({
      code: 0,
      out: expect.stringContaining('completed'),
    })
    expect(await place.run('rollback', 'migrations/0001_rename.yaml', '--yes')).toMatchObject({
      code: 3,
      err: expect.stringContaining('no way back'),
    })
  })
})

describe('what a command says when it cannot go on', () => {
  test('contract is refused while an instance uses the column, by its name, and goes on when it was released', async () => {
    const { place, database } = await renaming()
    await place.run('verify')
    await database.query(
      `select bellows.register('app-1', array['users.name'], lease_ms => 600000, application => 'shop', version => '2.3.0', kind => 'web', host => 'pod-7')`,
    )
    const refused = await place.run('contract', '--quiet', '0', '--confirm', database.name)
    expect(refused).toMatchObject({
      code: 5,
      err: expect.stringContaining('the instance "app-1" uses "users"."name"'),
    })
    expect(await place.run('status')).toMatchObject({
      out: expect.stringContaining('stands because the instance "app-1"'),
    })
    expect(await place.run('instances')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/app-1 of shop 2\.3\.0 \(web\) on pod-7 {2}live.*uses users\.name/),
    })
    expect(await place.run('instances', 'release', 'app-1', '--reason', 'it is a test')).toMatchObject({
      code: 0,
      out: 'app-1 is released.\n',
    })
    expect(await place.run('instances', 'release', 'app-1')).toMatchObject({
      code: 0,
      out: expect.stringContaining('nothing to do'),
    })
    expect((await place.run('contract', '--quiet', '0', '--confirm', database.name)).code).toBe(0)
  })

  test('contract is refused when rows differ, with their keys and exit code 4', async () => {
    const { place, database } = await renaming()
    await database.query(
      `alter table users add column full_name text; update users set full_name = 'else' where id in (7, 8)`,
    )
    await place.run('backfill')
    expect(await place.run('verify')).toMatchObject({
      code: 4,
      err: expect.stringMatching(/2 rows where they differ[\s\S]*id=7; id=8/),
    })
    await database.query('update users set full_name = name where id in (7, 8)')
    expect((await place.run('verify')).code).toBe(0)
  })

  test('a lock that is not had names who is in the way, with exit code 5', async () => {
    const { place, database } = await renaming()
    const reader = await database.session('nightly report')
    await reader.query('begin; select 1 from users limit 1')
    const ran = await place.run('expand', '--lock-deadline', '600')
    expect(ran).toMatchObject({ code: 5, err: expect.stringContaining('nightly report') })
    expect(ran.err).toContain('nothing was changed')
    await reader.query('rollback')
    expect((await place.run('expand')).code).toBe(0)
  })

  const WRONG: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['an unknown command', ['nope'], 64, /unknown command 'nope'/],
    ['an unknown flag', ['expand', '--nope'], 64, /unknown option '--nope'/],
    ['a figure that is none', ['expand', '--batch-size', 'many'], 64, /must be a whole number/],
    ['a time that is none', ['contract', '--grace', 'soon'], 64, /must be a time such as 30s/],
    ['a missing argument', ['new'], 64, /missing required argument 'name'/],
    ['an unknown migration', ['plan', 'nope'], 64, /There is no migration "nope"[\s\S]*There is 0001_rename/],
    [
      'a migration that was not begun',
      ['undo', '0001_rename'],
      64,
      /was not begun[\s\S]*bellows expand 0001_rename/,
    ],
    ['nothing under way', ['rollback', '--yes'], 64, /No migration is under way/],
    ['a missing confirmation', ['contract'], 64, /needs a confirmation[\s\S]*--confirm test_/],
    ['a wrong confirmation', ['contract', '--confirm', 'other'], 64, /"other" is not "test_/],
    [
      'a rename text that cannot be read',
      ['new', 'x', '--rename', 'users'],
      64,
      /Write it like users\.name:full_name/,
    ],
    ['a name without a letter', ['new', '???'], 64, /no letter or digit/],
    ['a database that is no URL', ['gate', '--database', 'shop'], 64, /as the database is no postgres:/],
    ['a standby that is no URL', ['gate', '--standby', 'replica'], 64, /as the standby is no postgres:/],
    ['a version that is empty', ['gate', '--to', ''], 64, /--to[\s\S]*must not be empty/],
    ['an empty version to deploy', ['deploy', '--to', ' '], 64, /--to[\s\S]*must not be empty/],
    [
      'no reason',
      ['contract', '--allow-no-instances', ''],
      64,
      /--allow-no-instances[\s\S]*must not be empty/,
    ],
    ['a rollout with evidence', ['deploy', 'rollout', '--to', '2', '--quiet', '0'], 64, /unknown option/],
  ]

  test('wrong input is refused with what to do, and changes nothing', async () => {
    const { place, database } = await renaming()
    for (const [what, args, code, message] of WRONG) {
      const ran = await place.run(...args)
      expect(ran.code, what).toBe(code)
      expect(ran.err, what).toMatch(message)
      expect(ran.out, what).toBe('')
    }
    expect(await database.query(`select to_regnamespace('bellows') is null as untouched`)).toEqual([
      { untouched: true },
    ])
  })

  const FILES: readonly (readonly [string, string, RegExp])[] = [
    [
      'an unknown field',
      RENAME.replace('to:', 'too:'),
      /0001_rename\.yaml:2:48: operations\[0\]\.rename_column has no field "too"; did you mean "to"\?/,
    ],
    [
      'an unknown operation',
      'operations:\n  - vanish: { table: a }\n',
      /2:5: operations\[0\]: there is no operation "vanish"/,
    ],
    ['no operations', 'operations: []\n', /operations/],
    ['broken YAML', 'operations: [\n', /0001_rename\.yaml/],
    ['an unknown table', RENAME.replace('users', 'people'), /There is no table public\.people/],
    [
      'an unknown column',
      RENAME.replace('name,', 'nick,'),
      /has no column "nick"[\s\S]*It has id, name, legacy/,
    ],
    ['a name that is too long', RENAME.replace('full_name', 'x'.repeat(64)), /64 bytes/],
  ]

  test('a migration file that cannot be used is refused before anything runs', async () => {
    const { place } = await renaming()
    for (const [what, content, message] of FILES) {
      await place.write('migrations/0001_rename.yaml', content)
      for (const command of ['plan', 'expand']) {
        const ran = await place.run(command)
        expect(ran.err, `${what}, ${command}`).toMatch(message)
        expect(ran.code, `${what}, ${command}`).toBeGreaterThan(0)
      }
    }
  })

  test('no database is named', async () => {
    const place = await workplace()
    expect(await place.run('status')).toMatchObject({
      code: 64,
      err: expect.stringContaining('No database is named'),
    })
  })

  test('the password of a URL is never printed', async () => {
    const place = await workplace({ DATABASE_URL: 'postgres://me:s3cret@127.0.0.1:1/x' })
    const ran = await place.run('status')
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('postgres://me:***@127.0.0.1:1/x') })
    expect(ran.err).not.toContain('s3cret')
  })
})

describe('for machines', () => {
  test('--json gives one versioned document on stdout and nothing else', async () => {
    const { place, database } = await renaming()
    const plan = json((await place.run('plan', '--json')).out) as unknown as {
      version: number
      plan: { steps: { id: string }[] }
    }
    expect(plan.version).toBe(1)
    expect(plan.plan.steps[0]?.id).toBe('0001_rename/expand/1')
    expect(json((await place.run('expand', '--json')).out)).toMatchObject({
      version: 1,
      migrations: [
        {
          migration: '0001_rename',
          state: 'expanding',
          stage: 'expanded',
          versions: [1],
          next: 'bellows backfill 0001_rename',
        },
      ],
    })
    expect(json((await place.run('status', '--json')).out)).toMatchObject({
      versions: [{ version: 1, name: 'add_full_name_column' }],
    })
    expect(json((await place.run('instances', '--json')).out)).toMatchObject({ instances: [] })
    expect(json((await place.run('doctor', '--json')).out)).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ check: 'version', verdict: 'ok' })]),
    })
    const refused = await place.run('contract', '--json', '--confirm', database.name)
    expect(refused.code).toBe(5)
    expect(json(refused.out).error.code).toBe('gate_closed')
  })

  test("doctor looks at the application's own way, where it is told or both URLs are set", async () => {
    const { database } = await renaming()
    const other = await testDatabase('select 1')
    const place = await workplace({ DIRECT_URL: database.url, DATABASE_URL: other.url })
    expect(await place.run('doctor')).toMatchObject({
      code: 3,
      out: expect.stringMatching(
        /failed {3}application .* reaches the database "test_.*; Bellows works on "test_.*\n +Instances would register/,
      ),
    })
    expect(await place.run('doctor', '--app-url', database.url)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/ok .* application .* reaches this database\n/),
    })
    const nowhere = 'postgres://me:secret@127.0.0.1:1/shop'
    const closed = await place.run('doctor', '--json', '--app-url', nowhere)
    expect(closed).toMatchObject({ code: 3, out: expect.not.stringContaining('secret') })
    expect(json(closed.out)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ check: 'version', verdict: 'ok' }),
        expect.objectContaining({
          check: 'application',
          verdict: 'failed',
          because: expect.stringContaining('postgres://me:***@127.0.0.1:1/shop lets nobody in'),
        }),
      ]),
    })
    for (const wrong of ['', 'shop'])
      expect(await place.run('doctor', '--app-url', wrong)).toMatchObject({
        code: 64,
        err: expect.stringContaining('--app-url postgres://user:password@host:port/database'),
      })
    expect(await place.run('doctor', '--app-url')).toMatchObject({
      code: 64,
      err: expect.stringContaining("option '--app-url <url>' argument missing"),
    })
  })

  test('--dry-run shows the plan and does nothing', async () => {
    const { place, database } = await renaming()
    expect((await place.run('expand', '--dry-run')).out).toContain('0001_rename/expand/1')
    expect(await database.query(`select to_regnamespace('bellows') is null as untouched`)).toEqual([
      { untouched: true },
    ])
  })

  test('status --exit-code tells that something is pending', async () => {
    const { place } = await renaming()
    expect((await place.run('status')).code).toBe(0)
    expect((await place.run('status', '--exit-code')).code).toBe(2)
  })
})

describe('the plan that was begun', () => {
  test('goes on although the file is gone, and refuses a file that was changed', async () => {
    const { place, database } = await renaming()
    await place.run('expand')
    await place.write('migrations/0001_rename.yaml', RENAME.replace('full_name', 'other'))
    const contract = [
      'contract',
      '--confirm',
      database.name,
      '--quiet',
      '0s',
      '--allow-no-instances',
      'a test',
    ]
    for (const command of [['backfill', '0001_rename'], ['backfill'], contract, [...contract, '0001_rename']])
      expect(await place.run(...command), command.join(' ')).toMatchObject({
        code: 4,
        err: expect.stringContaining('was changed after it had been started'),
      })
    await place.write('migrations/0001_rename.yaml', RENAME)
    expect((await place.run('backfill', '0001_rename')).code).toBe(0)
    await place.remove('migrations/0001_rename.yaml')
    expect((await place.run('verify')).code).toBe(0)
    expect((await place.run(...contract)).out).toContain('completed')
  })
})

describe('Ctrl-C', () => {
  test('once stops after the batch with exit code 130, and the same command goes on', async () => {
    const { place, database } = await renaming(
      'insert into users (name) select md5(i::text) from generate_series(1, 60000) i',
    )
    await place.run('expand')
    const { child, ended } = place.start('backfill', '--batch-size', '50')
    await new Promise<void>((resolve) => child.stderr?.once('data', () => resolve()))
    child.kill('SIGINT')
    const ran = await ended
    expect(ran.code, ran.err).toBe(130)
    const [filled] = await database.query<{ rows: number }>(
      'select count(*)::int as rows from users where full_name is not null',
    )
    expect(filled?.rows).toBeGreaterThan(0)
    expect(filled?.rows).toBeLessThan(63_000)
    expect((await place.run('backfill')).code).toBe(0)
    expect(
      await database.query('select count(*)::int as rows from users where full_name is distinct from name'),
    ).toEqual([{ rows: 0 }])
  })
})

describe('whoever read along', () => {
  test('may go: the work is done, and the exit code says so', async () => {
    const { place, database } = await renaming()
    const { child, ended } = place.start('expand')
    child.stdout?.destroy()
    child.stderr?.destroy()
    expect(await ended).toMatchObject({ code: 0 })
    expect(
      await database.query(
        `select attname from pg_attribute where attrelid = 'users'::regclass and attname = 'full_name'`,
      ),
    ).toHaveLength(1)
  })
})

describe('a backfill that is slowed by hand', () => {
  test('says what it was asked, and is shown by status and audit', async () => {
    const { place } = await renaming()
    await place.run('expand')
    const pause = await place.run('pause', '--for', '1h', '--reason', 'the sale')
    expect(pause).toMatchObject({ code: 0, out: '0001_rename is to be paused, for 1 h 0 min.\n' })
    const filling = place.start('backfill')
    const paused = expect.stringMatching(/^paused by .+ until .+: the sale$/)
    const shown = async () =>
      json((await place.run('status', '--json')).out) as unknown as { migrations: { brake?: object }[] }
    await expect
      .poll(async () => (await shown()).migrations[0]?.brake, { timeout: 20_000, interval: 500 })
      .toEqual({ pace: 'pause', because: [paused] })
    expect(await place.run('throttle')).toMatchObject({ code: 64, err: expect.stringContaining('--share') })
    expect(await place.run('throttle', '--share', '1.5')).toMatchObject({ code: 64 })
    expect(await place.run('throttle', '--share', '0.5', '--workers', '1')).toMatchObject({
      out: '0001_rename is to be held to 50 % of the time, with 1 worker.\n',
    })
    expect(await place.run('resume')).toMatchObject({ out: '0001_rename is to be at full speed.\n' })
    expect(await filling.ended).toMatchObject({ code: 0, err: expect.stringContaining('paused: paused by') })
    expect((await place.run('audit')).out).toMatch(
      /0001_rename {2}paused, until .+: the sale\n {4}by .+ as role/,
    )
  })
})
