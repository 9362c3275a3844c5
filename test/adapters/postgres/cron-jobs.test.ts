import { describe, expect, test } from 'vitest'
import type { GateCheck } from '../../../src/core/gate/check.ts'
import type { Bellows } from '../../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { rename } from '../../support/rename.ts'
import { aRole } from '../../support/role.ts'

const USERS = 'create table users (id int primary key, name text not null, age int)'
/** As the extension makes it, which is not among the packages of the tests. */
const CRON = `create schema cron;
  create table cron.job (
    jobid bigint primary key generated always as identity, schedule text not null, command text not null,
    nodename text not null default 'localhost', nodeport int not null default 5432,
    database text not null default current_database(), username text not null default current_user,
    active boolean not null default true, jobname text);
  alter table cron.job enable row level security;
  create policy cron_job_policy on cron.job using (username = current_user);
  grant usage on schema cron to public; grant select on cron.job to public;`
const MIGRATION = { name: '0001_test', operations: [rename()] } as const

async function scheduled(database: TestDatabase, command: string, more: Record<string, unknown> = {}) {
  const job = { schedule: '0 3 * * *', command, ...more }
  const [names, values] = [Object.keys(job), Object.values(job)]
  await database.query(
    `insert into cron.job (${names.join(', ')}) values (${values.map((_, at) => `$${at + 1}`).join(', ')})`,
    values,
  )
}

async function dependents(bellows: Bellows): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find(({ check }) => check === 'dependents')
}

describe('a job of pg_cron', () => {
  test('that names the column keeps the gate closed, and the plan says so before', async () => {
    const database = await testDatabase(USERS, CRON)
    const bellows = await database.bellows()
    await scheduled(database, 'delete from users where age > 120; vacuum users')
    await scheduled(database, 'update users set name = trim(name)', { jobname: 'tidy' })
    await scheduled(database, 'insert into archive select * from users', { active: false })
    await scheduled(database, 'select name from users', { database: 'another' })
    await scheduled(database, 'select name from customers')
    await scheduled(database, 'call public.tidy_users(')

    const hazards = (await bellows.plan(MIGRATION)).steps.flatMap((step) => step.hazards)
    expect(hazards).toContainEqual({
      code: 'blocks_contract',
      because: expect.stringContaining('The job of pg_cron tidy uses "name"'),
    })
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await bellows.instances.register({ instance: 'new-1', uses: ['users.full_name'] })
    expect(await dependents(bellows)).toMatchObject({
      state: 'red',
      because: [
        'the job of pg_cron tidy depends on "users"."name"',
        'the job of pg_cron number 3 depends on "users"."name"',
        'the job of pg_cron number 6 depends on "users"."name"',
      ],
    })
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'dependents_found',
    })

    await database.query(
      `update cron.job set command = replace(command, 'name', 'full_name') where jobid = 2`,
    )
    await database.query('delete from cron.job where jobid in (3, 6)')
    expect((await dependents(bellows))?.state).toBe('green')
    expect((await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).state).toBe('completed')
  })

  test.for([
    ['shows this role only its own', ''],
    ['may not be read', 'revoke usage on schema cron from public; revoke select on cron.job from public'],
  ])('is not taken for none where pg_cron %s', async ([, done]) => {
    const database = await testDatabase(USERS, CRON, done ?? '')
    const role = await aRole(database)
    await database.query(`grant all on schema public to ${role}; alter table users owner to ${role};
      grant create on database ${database.name} to ${role}; grant pg_read_all_stats to ${role}`)
    const url = database.url.replace('postgres://postgres@', `postgres://${role}@`)
    const bellows = await database.bellows({ database: url, settings: { gate: { unregistered: 'allow' } } })
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await bellows.instances.register({ instance: 'new-1', uses: ['users.full_name'] })
    expect(await dependents(bellows)).toMatchObject({
      state: 'unknown',
      because: [expect.stringContaining('this role does not see all of its jobs')],
    })
    const purge = () => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    await expect(purge()).rejects.toMatchObject({ code: 'gate_closed' })

    await bellows.clients.declare({ client: 'pg_cron', applicationName: 'pg_cron', owner: 'data team' })
    expect((await dependents(bellows))?.state).toBe('green')
    await expect(purge()).rejects.toMatchObject({
      message: expect.stringContaining('"data team" has not said that the client "pg_cron" does without'),
    })
    await bellows.clients.acknowledge({ client: 'pg_cron', by: 'ana' })
    expect((await purge()).state).toBe('completed')
  })

  test('is none of a table that is only called like that of pg_cron', async () => {
    const database = await testDatabase(
      USERS,
      'create schema cron; create table cron.job (id int, name text)',
    )
    const bellows = await database.bellows()
    expect((await bellows.plan(MIGRATION)).steps.length).toBeGreaterThan(0)
  })
})
