import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'

const GIVEN = `create table events (id bigint, at date not null, note text) partition by range (at);
  create table events_2020 partition of events for values from ('2020-01-01') to ('2021-01-01');
  create table events_2021 partition of events for values from ('2021-01-01') to ('2022-01-01') partition by hash (id);
  create table events_2021_a partition of events_2021 for values with (modulus 1, remainder 0);
  insert into events select i, '2020-01-01', 'note ' || i from generate_series(1, 300) i; create index whole on events (id);`
const BEFORE = `create index "Own" on events_2020 (at); create index away on events_2020 (note);`
const client = {
  name: 'application',
  statements: [
    `insert into events values ($1 + 1000, '2020-02-02', 'more ' || $1)`,
    `update events set note = note || '.' where id = $1 % 300`,
  ],
}
const drop = (table: string, index: string): Operation => ({
  kind: 'drop_index',
  namespace: 'public',
  table,
  index,
})

describe('the indexes of a partition alone', () => {
  test('come, are replaced and go under traffic', async () => {
    await liveThrough({
      given: GIVEN + BEFORE,
      operations: [
        { kind: 'create_index', definition: 'create unique index once on events_2020 (id, note)' },
        { kind: 'replace_index', definition: 'create index "Own" on events_2020 (at, id)' },
        drop('events_2020', 'away'),
      ],
      direct: `${GIVEN} create unique index once on events_2020 (id, note); create index "Own" on events_2020 (at, id)`,
      old: [client],
      renewed: [client],
    })
  })

  test.each<[string, Operation, string]>([
    [
      'a part of an index of the table, to be dropped',
      drop('events_2020', 'events_2020_id_idx'),
      'The index events_2020_id_idx is the part of public.whole that the partition has.',
    ],
    [
      'one to be replaced',
      { kind: 'replace_index', definition: 'create index events_2020_id_idx on events_2020 (id, at)' },
      'The index events_2020_id_idx is the part of public.whole that the partition has.',
    ],
    [
      'of one that is partitioned itself',
      { kind: 'create_index', definition: 'create index on events_2021 (at)' },
      'public.events_2021 is a partition that is partitioned itself.',
    ],
    [
      'of a materialized view',
      { kind: 'create_index', definition: 'create index on notes (note)' },
      'public.notes is a view, of which only a materialized one has indexes',
    ],
  ])('are not taken for %s', async (_what, operation, message) => {
    const database = await testDatabase(GIVEN, 'create materialized view notes as select note from events')
    const bellows = await database.bellows()
    const planning = bellows.plan({ name: '0001_test', operations: [operation] })
    await expect(planning).rejects.toMatchObject({ message: expect.stringContaining(message) })
  })

  test('stay a matter of the table where it changes the column of one that the migration makes', async () => {
    const bellows = await (await testDatabase(GIVEN)).bellows()
    const operations: readonly Operation[] = [
      { kind: 'create_index', definition: 'create index mine on events_2020 (note)' },
      { kind: 'drop_column', namespace: 'public', table: 'events', column: 'note' },
    ]
    await expect(bellows.plan({ name: '0001_test', operations })).rejects.toThrow(
      'The partition public.events_2020 has the index mine of its own on "note", which would be lost.',
    )
  })
})

test('an index that some partitions lack is told to be so, and replace_index repairs it', async () => {
  const database = await testDatabase(GIVEN, 'create index broken on only events (note)')
  const bellows = await database.bellows({
    settings: { gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0 } },
  })
  const definition = 'create index broken on events (note)'
  const planning = bellows.plan({ name: '0001_test', operations: [{ kind: 'create_index', definition }] })
  await expect(planning).rejects.toMatchObject({
    message:
      'The table "events" has this index broken, but not in each of its partitions, so it is not valid.',
    hint: expect.stringContaining('replace_index'),
  })
  const repair = { name: '0001_test', operations: [{ kind: 'replace_index', definition }] } as const
  await bellows.change((driver) => driver.advance(repair, 'purge'))
  expect(
    await database.query(
      `select t.relid::regclass::text as index, i.indisvalid as valid from pg_partition_tree('broken') t join pg_index i on i.indexrelid = t.relid where t.isleaf order by 1`,
    ),
  ).toMatchObject([{ valid: true }, { valid: true }])
})
