// The tables that are filled. Each run has a database of its own, copied from one that is made once.
import { connected } from '../sessions.mjs'

export const SHAPES = {
  narrow: { payload: 20, indexes: 1 },
  usual: { payload: 150, indexes: 1 },
  wide: { payload: 1_000, indexes: 1 },
  indexed: { payload: 150, indexes: 4 },
  /** With a foreign key and a trigger of the user's. */
  bound: { payload: 150, indexes: 1, isBound: true },
}

const makeSql = ({ payload, indexes, isBound = false }, rows) => `
create table teams (id bigint primary key);
insert into teams select generate_series(1, 100);
create table users (
  id bigint primary key, name text not null, email text not null, created_at timestamptz not null default now(),
  seen integer not null default 0, team bigint not null ${isBound ? 'references teams' : ''}, payload text not null);
insert into users select i, 'user number ' || i, 'user' || i || '@example.org', now(), 0, 1 + i % 100, substr(repeat(md5(i::text), ${Math.ceil(payload / 32)}), 1, ${payload})
  from generate_series(1, ${rows}) i;
${['email', 'created_at', 'team', '(lower(email))']
  .slice(0, indexes)
  .map((column) => `create index on users (${column});`)
  .join('\n')}
${
  isBound
    ? `create function touched() returns trigger language plpgsql as $$ begin new.created_at := old.created_at; return new; end $$;
create trigger touched before update on users for each row execute function touched();`
    : ''
}`

/** Makes the database that others are copied from. */
export async function makeOriginal(server, shape, rows) {
  await connected(server.url, (client) => client.query('create database original'))
  await connected(server.databaseUrl('original'), async (client) => {
    await client.query(makeSql(shape, rows))
    await client.query('vacuum (analyze, freeze)')
  })
}

export async function dropOriginal(server) {
  await connected(server.url, (client) => client.query('drop database original'))
}

/** Does something with a copy of its own, and removes it. */
export async function withCopy(server, work) {
  await connected(server.url, async (client) => {
    await client.query('drop database if exists run with (force)')
    await client.query('create database run template original strategy file_copy')
    await client.query('checkpoint')
  })
  try {
    return await work(server.databaseUrl('run'))
  } finally {
    await connected(server.url, (client) => client.query('drop database if exists run with (force)'))
  }
}

const FIGURES = `
select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as wal, pg_relation_size('users') as "table", pg_relation_size('users_email_idx') as "index",
  s.n_tup_hot_upd as hot, s.n_tup_upd as updated
  from pg_stat_user_tables s where s.relid = 'users'::regclass`

export async function figures(client) {
  await client.query('select pg_stat_force_next_flush()')
  const { rows } = await client.query(FIGURES)
  return Object.fromEntries(Object.entries(rows[0]).map(([name, value]) => [name, Number(value)]))
}
