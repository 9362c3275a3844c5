import { describe, expect, test } from 'vitest'
import type { Grant } from '../../../src/core/operations/grant/privileges.ts'
import { grant } from '../../../src/core/operations/grant.ts'
import { told } from '../../support/model.ts'
import { type Given, give, knowing, requiresOf, sqlOf } from '../../support/privileges.ts'

describe('grant', () => {
  test.each<[string, Partial<Grant>, readonly Given[], readonly string[], readonly string[]]>([
    [
      'on a table, to a role and to everybody',
      { privileges: ['select', 'insert'], to: ['My App', 'public'] },
      [],
      [
        'grant select, insert on table "public"."users" to "My App"',
        'grant select, insert on table "public"."users" to public',
      ],
      [
        'revoke select, insert on table "public"."users" from "My App"',
        'revoke select, insert on table "public"."users" from public',
      ],
    ],
    [
      'on columns',
      { columns: ['id', 'name'], privileges: ['select', 'update'] },
      [],
      ['grant select ("id", "name"), update ("id", "name") on table "public"."users" to "app"'],
      ['revoke select ("id", "name"), update ("id", "name") on table "public"."users" from "app"'],
    ],
    [
      'where a part is given already, which stays',
      { privileges: ['select', 'insert'] },
      [{}],
      ['grant insert on table "public"."users" to "app"'],
      ['revoke insert on table "public"."users" from "app"'],
    ],
    [
      'with the right to give it on',
      { with_grant_option: true },
      [{}],
      ['grant select on table "public"."users" to "app" with grant option'],
      ['revoke grant option for select on table "public"."users" from "app"'],
    ],
    [
      'on a table where it is given on a column, which a REVOKE would take along',
      {},
      [
        { column: 'name', grantable: true },
        { column: 'id', grantee: 'other' },
      ],
      ['grant select on table "public"."users" to "app"'],
      [
        'revoke select on table "public"."users" from "app"',
        'grant select ("name") on table "public"."users" to "app" with grant option',
      ],
    ],
    [
      'on a sequence',
      { on: 'sequence a.numbers', privileges: ['usage'] },
      [],
      ['grant usage on sequence "a"."numbers" to "app"'],
      ['revoke usage on sequence "a"."numbers" from "app"'],
    ],
    [
      'on a function',
      { on: 'function area(int, "T")', privileges: ['execute'] },
      [],
      ['grant execute on function "public"."area"(int, "T") to "app"'],
      ['revoke execute on function "public"."area"(int, "T") from "app"'],
    ],
    [
      'on a schema',
      { on: 'schema "Web"', privileges: ['usage', 'create'] },
      [],
      ['grant usage, create on schema "Web" to "app"'],
      ['revoke usage, create on schema "Web" from "app"'],
    ],
    [
      'on a domain',
      { on: 'domain email', privileges: ['usage'] },
      [],
      ['grant usage on domain "public"."email" to "app"'],
      ['revoke usage on domain "public"."email" from "app"'],
    ],
  ])('gives %s, and takes exactly that back', (_what, more, given, forth, back) => {
    const op = give(more)
    const known = knowing(op, given)
    expect(told(grant.check(op, known))).toEqual([])
    expect(grant.expand(op, known)).toMatchObject([{ kind: 'ddl', phase: 'expand', cost: 'instant' }])
    expect(sqlOf(grant.expand(op, known))).toEqual(forth)
    expect(sqlOf(grant.rollback(op, known))).toEqual(back)
    expect(grant.contract(op, known)).toEqual([])
  })

  test('is not begun where it was changed since, and not taken back from one who has given it on', () => {
    const op = give({ with_grant_option: true })
    expect(requiresOf(grant.expand(op, knowing(op)))).toEqual(['drift_found'])
    expect(requiresOf(grant.rollback(op, knowing(op)))).toEqual(['drift_found', 'dependents_found'])
    const plain = give({ columns: ['name'] })
    expect(requiresOf(grant.rollback(plain, knowing(plain)))).toEqual([])
  })

  test('takes a table that the migration makes, of which nobody knows what is given by default', () => {
    const op = give()
    const known = knowing(op, [], { there: false })
    expect(told(grant.check(op, known))).toEqual([])
    const [step] = grant.expand(op, known)
    expect(step).not.toHaveProperty('makes')
    expect(step).toMatchObject({ requires: [] })
    expect(grant.rollback(op, known)[0]).not.toHaveProperty('unmakes')
  })

  test('is in the model, as far as that knows', () => {
    const op = give({ columns: ['name'], with_grant_option: true })
    const { schema, facts: known } = knowing(op)
    const [after] = grant.apply(op, schema, known).tables
    expect(after?.grants).toEqual([])
    expect(after?.columns.at(-1)?.grants).toEqual([
      { grantee: 'app', toPublic: false, privilege: 'SELECT', grantable: true },
    ])
  })

  test.each<[Partial<Grant>, Parameters<typeof knowing>[2], readonly [string, string]]>([
    [
      { on: 'a, b' },
      {},
      ['migration_invalid', 'What it is on, "a, b", cannot be used: it is not one table,'],
    ],
    [
      { on: 'all tables in schema public' },
      {},
      ['migration_invalid', 'What it is on, "all tables in schema public", cannot be used: it is more than'],
    ],
    [{ on: 'users to a; drop table users; grant all on users' }, {}, ['migration_invalid', 'What it is on']],
    [{ on: 'users to a, b -- ' }, {}, ['migration_invalid', 'What it is on']],
    [
      { on: 'function area' },
      {},
      ['migration_invalid', 'What it is on, "function area", cannot be used: write'],
    ],
    [{ privileges: ['execute'] }, {}, ['migration_invalid', 'There is no privilege execute of a table.']],
    [
      { privileges: ['delete'], columns: ['name'] },
      {},
      ['migration_invalid', 'There is no privilege delete of a column.'],
    ],
    [
      { on: 'sequence s', privileges: ['usage'], columns: ['a'] },
      {},
      ['migration_invalid', 'A sequence has no columns.'],
    ],
    [
      { on: 'sequence s', privileges: ['usage'] },
      { there: false },
      ['plan_refused', 'There is no sequence public.s.'],
    ],
    [{ columns: ['nme'] }, {}, ['column_not_found', 'The table "users" has no column "nme".']],
    [{}, { owned: false }, ['plan_refused', 'The connected role may not give privileges on the table']],
    [{ to: ['ap'] }, { strangers: ['ap'] }, ['plan_refused', 'There is no role "ap".']],
    [
      { to: ['public'], with_grant_option: true },
      {},
      ['migration_invalid', 'Everybody (public) cannot have the right to grant to others.'],
    ],
  ])('is refused: %j, %j', (more, server, [code, message]) => {
    const op = give(more)
    const problems = told(grant.check(op, knowing(op, [], server)))
    expect(problems).toEqual([[code, expect.stringContaining(message)]])
  })

  test('is refused where there is nothing to give, or the server is too old', () => {
    expect(told(grant.check(give(), knowing(give(), [{ grantable: true }])))).toEqual([
      ['plan_refused', 'grant select on table public.users to app: they have all that already.'],
    ])
    const op = give({ privileges: ['maintain'] })
    const known = knowing(op)
    const old = { ...known, facts: { ...known.facts, serverVersion: 160_000 } }
    expect(told(grant.check(op, old))).toEqual([
      ['plan_refused', 'The privilege maintain needs PostgreSQL 17 or newer.'],
    ])
  })
})
