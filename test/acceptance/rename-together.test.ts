import { test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { type Lifecycle, liveThrough } from '../support/lifecycle.ts'

/** Several columns of one table get other names in one migration, with what they share. */

const ROWS = 200
const people = (kind: string, [first, last, team, shop]: readonly string[]) => `
  create table people (id int not null, at date not null, ${first} text, ${last} text, ${team} int, ${shop} int) ${kind};`
const shared = ([first, last, team, shop]: readonly string[]) => `
  alter table people add unique (${last}, at, ${first}) include (id), add constraint differ check (${first} <> ${last}),
    add constraint "Of" foreign key (${team}, ${shop}) references shops on delete cascade;
  create index on people (${first}, ${last}) where ${team} > 0; comment on constraint differ on people is 'both';`
const shops =
  'create table shops (team int, shop int, primary key (team, shop)); insert into shops select 1, generate_series(1, 3);'
const rows = `insert into people select i, date '2021-01-01' + i, 'f' || i, 'l' || i, 1, 1 + i % 3 from generate_series(1, ${ROWS}) i;`

const OLD = ['first', 'last', 'team', 'shop'] as const
const NEW = ['given', 'family', 'squad', 'Place'] as const
const SQL_NEW = ['given', 'family', 'squad', '"Place"'] as const

const client = (name: string, [first, last, team, shop]: readonly string[]) => ({
  name,
  statements: [
    `insert into people (id, at, ${first}, ${last}, ${team}, ${shop}) values (1000 + $1::int, '2021-02-02', 'a' || $1, 'b' || $1, 1, 1 + $1::int % 3)`,
    `update people set ${first} = '${name}' || $1 where id = 1 + $1 % ${ROWS}`,
    `update people set ${last} = '${name} of ' || $1, ${shop} = 3 where id = 1 + $1 % ${ROWS}`,
    `delete from people where id = 1000 + $1`,
  ],
})

const renames = OLD.map(
  (from, at): Operation => ({
    kind: 'rename_column',
    namespace: 'public',
    table: 'people',
    from,
    to: NEW[at] ?? '',
  }),
)
const [first, last, team, shop] = SQL_NEW
const replaced = `alter table people drop first, drop last, drop team, drop shop, add ${first} text, add ${last} text, add ${team} int, add ${shop} int;`
const parts = 'create table people_1 partition of people for values from (minvalue) to (maxvalue);'

const on = { namespace: 'public', table: 'people' } as const
const DROPS: readonly Operation[] = [
  { kind: 'drop_index', ...on, index: 'going' },
  { kind: 'drop_constraint', ...on, name: 'gone' },
  { kind: 'drop_constraint', ...on, name: 'never' },
]

const CASES: readonly (readonly [string, Pick<Lifecycle, 'given' | 'direct' | 'operations'>])[] = [
  [
    'a table, from which an index and constraints of them go',
    {
      operations: [...DROPS, ...renames],
      given: `${shops} ${people('', OLD)} ${rows} ${shared(OLD)} alter table people alter first set not null, alter last set not null;
        create unique index people_pair on people (first, last); alter table people replica identity using index people_pair;
        create index going on people (team desc, lower(first)) where last <> ''; alter table people add constraint gone unique (shop, id), add constraint never check (last <> '');`,
      direct: `${shops} ${people('', OLD)} ${replaced} ${shared(SQL_NEW)} alter table people alter ${first} set not null, alter ${last} set not null;
        create unique index people_pair on people (${first}, ${last}); alter table people replica identity using index people_pair;`,
    },
  ],
  [
    'a partitioned table',
    {
      operations: renames,
      given: `${shops} ${people('partition by range (at)', OLD)} ${parts} ${rows} ${shared(OLD)}`,
      direct: `${shops} ${people('partition by range (at)', OLD)} ${parts} ${replaced} ${shared(SQL_NEW)}`,
    },
  ],
]

test.each(CASES)('columns of %s get other names with what they share, under traffic', async (_what, of) => {
  await liveThrough({
    ...of,
    old: [client('old', OLD)],
    renewed: [client('new', SQL_NEW)],
    meanwhile: [
      `select from people where (first, last, team, shop) is distinct from (${SQL_NEW.join(', ')})`,
    ],
  })
})
