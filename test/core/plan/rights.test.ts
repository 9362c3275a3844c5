import { describe, expect, test } from 'vitest'
import { mayLackRights, rightProblems } from '../../../src/core/plan/rights.ts'
import type { StepDraft } from '../../../src/core/plan/step.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import { sql, trusted } from '../../../src/core/sql.ts'
import { facts, schemaOf, table } from '../../support/model.ts'

const step = (text: string): StepDraft => ({
  kind: 'ddl',
  phase: 'expand',
  does: 'a test',
  hazards: [],
  probe: sql`true`,
  locks: [],
  requires: [],
  statements: [trusted(text)],
  cost: 'instant',
})
const TEAMS = { namespace: 'public', name: 'teams' }
const problems = (text: string, of: Partial<Table> = {}, more: readonly Table[] = []) =>
  rightProblems([step(text)], 'public', {
    schema: schemaOf(table(of), ...more),
    facts: facts({ closedNamespaces: ['public', 'App'] }),
  })

describe('the rights that the statements of a plan need', () => {
  test.each([
    'create index concurrently i on users (name)',
    'alter index public.i rename to j',
    'alter table users rename to people',
    'create sequence "App".s',
    'create or replace view v as select 1',
    "create function f() returns int language sql as ''",
    'create domain d as int',
    'alter table users add number integer generated always as identity',
    'alter table users alter id add generated always as identity',
    'alter table users add unique (name)',
    'alter table users add email text unique',
  ])('in a namespace where nothing may be made: %s', (text) => {
    expect(problems(text).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^The connected role may make nothing in the namespace (public|"App"): /),
    ])
  })

  test.each([
    'alter table users add email text, add check (email is not null) not valid',
    'alter table users add constraint k primary key using index i',
    'alter table users rename name to full_name',
    'alter table users rename constraint k to l',
    'create trigger t before insert on users execute function f()',
    'create temp table t (id int)',
    'create table other.t (id int)',
    'drop index i',
  ])('not of what makes nothing there: %s', (text) => {
    expect(problems(text)).toEqual([])
  })

  test.each([
    'alter table users add email text',
    'create policy p on users',
    'create trigger t before insert on users execute function f()',
    `comment on table users is 'them'`,
    'alter table users rename name to full_name',
  ])('on a table of somebody else: %s', (text) => {
    expect(problems(text, { owned: false })).toMatchObject([
      {
        message:
          'The connected role may not change public.users: it is not a member of the role that owns it.',
        hint: expect.stringContaining('alter table public.users owner to <role>'),
      },
    ])
  })

  const KEY = 'alter table users add constraint k foreign key (team) references teams (id) not valid'
  const teams = (more: Partial<Table>) => table({ ...TEAMS, ...more })

  test('to point at a table that the migration does not name', () => {
    expect(problems(KEY)).toEqual([])
    expect(problems(KEY, { closedPartners: [TEAMS] })).toMatchObject([
      { hint: 'Let it, as the owner: grant references on public.teams to <role>' },
    ])
  })

  test('to point at a table that it names: as a whole, or the columns', () => {
    expect(problems(KEY, {}, [teams({ mayReference: false, closed: ['id'] })])).toHaveLength(1)
    expect(problems(KEY, {}, [teams({ mayReference: false, closed: ['name'] })])).toEqual([])
    expect(problems(KEY, {}, [teams({ mayReference: true, closed: ['id'] })])).toEqual([])
  })

  test('in the namespaces of the partitions that get a part of an index', () => {
    const events = { namespace: 'free', name: 'events' }
    const parts: StepDraft = {
      kind: 'index_parts',
      phase: 'expand',
      does: 'a test',
      hazards: [],
      probe: sql`true`,
      locks: [],
      how: 'build',
      table: events,
      index: { namespace: 'free', name: 'i' },
      using: null,
      tablespace: null,
      nameParts: ['id'],
      prefix: 'p',
    }
    const part = {
      namespace: 'App',
      name: 'events_1',
      kind: 'table',
      under: { namespace: 'App', name: 'events' },
      owned: true,
      own: [],
    } as const
    const schema = schemaOf(table({ ...events, parts: [part] }))
    const known = { schema, facts: facts({ closedNamespaces: ['App'] }) }
    expect(rightProblems([parts], 'free', known)).toHaveLength(1)
    expect(rightProblems([parts], 'free', { ...known, facts: facts() })).toEqual([])
  })

  test('are looked up only where the role lacks something', () => {
    const lacks = (of: Partial<Table>, closedNamespaces: readonly string[] = []) =>
      mayLackRights({ schema: schemaOf(table(of)), facts: facts({ closedNamespaces }) })
    expect(lacks({})).toBe(false)
    expect([
      lacks({ owned: false }),
      lacks({ mayReference: false }),
      lacks({ closedPartners: [TEAMS] }),
      lacks({}, ['public']),
    ]).toEqual([true, true, true, true])
  })

  test('each once', () => {
    expect(problems('create view v as select 1; create view w as select 1')).toHaveLength(1)
  })
})
