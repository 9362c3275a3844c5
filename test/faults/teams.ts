import type { SettingsChange } from '../../src/config.ts'

export const ROWS = 300
export const GIVEN = `
create table teams (id integer primary key);
insert into teams select generate_series(0, 9);
create table users (id int primary key, pad text default repeat('x', 200), seen int not null default 0,
  name text not null unique, team integer references teams);
create index on users (lower(name));
insert into users (id, name, team) select i, 'user ' || i, i % 10 from generate_series(1, ${ROWS}) i; analyze users`
export const rename = (from: string, to: string) =>
  ({ kind: 'rename_column', namespace: 'public', table: 'users', from, to }) as const
export const MIGRATION = {
  name: '0001_test',
  operations: [rename('name', 'full_name'), rename('team', 'squad')],
}
export const DEADLINE_MS = 600
export const SETTINGS: SettingsChange = {
  lock: { canaryTimeoutMs: 20, heldTimeoutMs: 60, pauseMaxMs: 60, deadlineMs: DEADLINE_MS },
  batch: { rows: 60, verifyRows: 120, lockTimeoutMs: 60 },
  driver: { pollMs: 20 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}
/** What the renamed columns are called does not matter to them. */
export const BYSTANDERS = [
  'select seen from users where id = 1',
  'update users set seen = seen + 1 where id = 2',
  'update teams set id = id where id = 0',
]
