import { describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { type NodeProcess, startNode, until } from '../../support/node-process.ts'
import {
  CONTRACTED,
  COPIED,
  contract,
  DEMO,
  EXPANDED,
  expand,
  FRESH,
  migrateData,
  type Request,
} from './scenario.ts'

/**
 * A node is killed while it is about to write an event into the journal, for one event after the other: its transaction is
 * begun and not committed. Then another one is told the same.
 */

/** Every event of a sequence is met when many schedules are asked for; else one of so many. */
const STRIDE = process.env.BELLOWS_SEEDS === undefined ? 4 : 1

const THREE: readonly Request[] = [
  expand('users', 'full_name'),
  migrateData('name', 'full_name', { batch_size: 250 }),
  contract('users', 'name'),
]
const THERE_AND_HALF_BACK = [...THREE, { type: 'rollback', version: 3 }]

interface Sequence {
  readonly title: string
  readonly before: readonly Request[]
  readonly killed: Request
  /** What the node that comes after may answer to the same request. */
  readonly again: RegExp
  /** And what it answers to those that come then. */
  readonly after: readonly (readonly [Request, RegExp])[]
  readonly columns: string
}

const plain = (reply: string): RegExp =>
  new RegExp(
    `^${reply
      .slice(0, -1)
      .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace('N', '\\d+')}(, "already_applied": true)?\\}$`,
  )

const SEQUENCES: readonly Sequence[] = [
  {
    title: 'expand',
    before: [],
    killed: expand('users', 'full_name'),
    again: plain(EXPANDED),
    after: [
      [migrateData('name', 'full_name'), plain(COPIED)],
      [contract('users', 'name'), plain(CONTRACTED)],
    ],
    columns: 'id full_name',
  },
  {
    title: 'migrate_data with what it implies',
    before: [],
    killed: migrateData('name', 'full_name', { batch_size: 250 }),
    again: plain(COPIED),
    after: [[contract('users', 'name'), plain(CONTRACTED)]],
    columns: 'id full_name',
  },
  {
    title: 'contract',
    before: THREE.slice(0, 2),
    killed: contract('users', 'name'),
    again: plain(CONTRACTED),
    after: [[expand('users', 'email'), /"version": 4/]],
    columns: 'id full_name email',
  },
  {
    title: 'a rollback over two versions',
    before: THREE.slice(0, 2),
    killed: { type: 'rollback', version: 1 },
    // Which of the two were taken back before, nobody can tell by the reply alone.
    again:
      /"rollback_complete", "in_reply_to": \d+, "rolled_back_from": [12], "rolled_back_to": 0|"code": 22/,
    after: [[expand('users', 'email'), /"version": 1/]],
    columns: 'id name email',
  },
  {
    title: 'the rollback of a contract',
    before: THREE,
    killed: { type: 'rollback', version: 3 },
    again: /"rolled_back_from": 3, "rolled_back_to": 2|"code": 20/,
    after: [
      [contract('users', 'name'), plain(CONTRACTED)],
      [{ type: 'rollback', version: 1 }, /"rolled_back_from": 3, "rolled_back_to": 0/],
    ],
    columns: 'id name',
  },
  {
    title: 'a rollback from the middle to the start',
    before: THERE_AND_HALF_BACK,
    killed: { type: 'rollback', version: 1 },
    again: /"rolled_back_from": [12], "rolled_back_to": 0|"code": 22/,
    after: [[migrateData('name', 'full_name'), plain(COPIED)]],
    columns: 'id name full_name',
  },
  {
    title: 'a contract that takes a rollback back',
    before: THERE_AND_HALF_BACK,
    killed: contract('users', 'name'),
    again: plain(CONTRACTED),
    after: [[{ type: 'status' }, /"version": 3, "name": "remove_name_column", "applied": true/]],
    columns: 'id full_name',
  },
]

const onDatabase = (database: TestDatabase): NodeProcess => startNode(['--database', database.url, ...FRESH])

/** Has whoever writes the n-th event from now on wait for a lock that is never given. */
async function stopAt(database: TestDatabase, count: number): Promise<void> {
  await database.query(`
    create or replace function bellows.stop_here() returns trigger language plpgsql as $$
    begin
      if (select count(*) from bellows.event) >= (select n from bellows.stop_at) then
        perform pg_advisory_xact_lock(4711);
      end if;
      return new;
    end $$;
    create table bellows.stop_at (n bigint);
    insert into bellows.stop_at select count(*) + ${count - 1} from bellows.event;
    create trigger stop_here before insert on bellows.event for each row execute function bellows.stop_here()`)
}

async function isStopped(database: TestDatabase): Promise<boolean> {
  const waiting = await database.query(
    `select from pg_locks where locktype = 'advisory' and objid = 4711 and not granted and database = (select oid from pg_database where datname = current_database())`,
  )
  return waiting.length > 0
}

/** Kills the node at the n-th event. False when there are not so many. */
async function killedAt(
  database: TestDatabase,
  { before, killed }: Sequence,
  count: number,
): Promise<boolean> {
  const node = onDatabase(database)
  // Makes the journal, without any event.
  await node.ask({ type: 'instances', msg_id: 1 })
  for (const request of before) expect(await node.ask({ ...request, msg_id: 2 })).not.toContain('"error"')
  const holder = await database.session('holder')
  await holder.query('select pg_advisory_lock(4711)')
  await stopAt(database, count)
  node.write(`${JSON.stringify({ ...killed, msg_id: 3 })}\n`)
  await until(async () => node.rest() !== '' || (await isStopped(database)), `event ${count} is written`)
  const wasMet = node.rest() === ''
  await node.kill()
  // The server would notice by itself, but only after a while.
  await database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'bellows/%' and datname = current_database()`,
  )
  await database.query('drop trigger stop_here on bellows.event')
  await holder.end()
  return wasMet
}

describe('a node is killed at an event of', () => {
  test.for(SEQUENCES)('$title, and the next one comes to the same end', async (sequence) => {
    for (let count = 1 + (SEQUENCES.indexOf(sequence) % STRIDE); ; count += STRIDE) {
      const database = await testDatabase(DEMO)
      if (!(await killedAt(database, sequence, count))) break
      const node = onDatabase(database)
      const where = `killed at event ${count}`
      const said = await node.ask({ ...sequence.killed, msg_id: 3 })
      expect(said, where).toMatch(sequence.again)
      for (const [request, reply] of sequence.after)
        expect(await node.ask({ ...request, msg_id: 4 }), where).toMatch(reply)
      await isSound(database, sequence.columns, where)
      await node.end()
    }
  })
})

async function isSound(database: TestDatabase, columns: string, where: string): Promise<void> {
  const versions = await database.query('select version from bellows.version order by version')
  expect(
    versions.map(({ version }) => version),
    where,
  ).toEqual(versions.map((_, at) => at + 1))
  const [found] = await database.query(
    `select string_agg(column_name, ' ' order by ordinal_position) as names from information_schema.columns where table_name = 'users'`,
  )
  expect(found?.names, where).toBe(columns)
  for (const column of columns.split(' ').filter((name) => name.endsWith('name'))) {
    const rows = await database.query(
      `select count(*)::int as n from users where "${column}" = 'User ' || id`,
    )
    expect(rows, `${where}: ${column}`).toEqual([{ n: 1000 }])
  }
}
