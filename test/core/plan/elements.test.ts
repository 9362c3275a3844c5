import { describe, expect, test } from 'vitest'
import type { Migration, Operation } from '../../../src/core/operations/migration.ts'
import { elementOfBoth } from '../../../src/core/plan/elements.ts'

const on = { namespace: 'public' } as const
const migration = (name: string, operation: Operation): Migration => ({ name, operations: [operation] })
const replace = (definition: string): Operation => ({ kind: 'replace_object', ...on, definition })
const byHand = (up: string): Operation => ({
  kind: 'sql',
  ...on,
  up,
  phase: 'expand',
  irreversible: 'it is a test',
  unsafe: 'it is a test',
  probe: 'false',
})
const both = (one: Operation, other: Operation) =>
  elementOfBoth(migration('0001_one', one), migration('0002_other', other))

const PRICE = replace(
  `create or replace function price(of integer) returns integer language sql as 'select 1'`,
)
const NOTE = replace('create trigger note before insert on users for each row execute function stamp()')
const OWN = replace('create policy own on users using (true)')
const EMAIL: Operation = { kind: 'alter_domain', ...on, domain: 'email', default: null }
const MOOD: Operation = { kind: 'add_enum_value', ...on, type: 'mood', value: 'late' }
const RIGHT: Operation = {
  kind: 'grant',
  ...on,
  on: 'function price(integer)',
  privileges: ['execute'],
  to: ['pg_monitor'],
}

describe("what a person's own statements work on", () => {
  test.each<[Operation, string]>([
    [PRICE, 'drop function price(int)'],
    [PRICE, 'drop function other(), public.price'],
    [PRICE, 'drop routine price'],
    [PRICE, 'alter function price(integer) rename to cost'],
    [PRICE, 'alter function cost(integer) rename to price'],
    [PRICE, 'alter function price volatile'],
    [PRICE, 'alter function price(integer) set schema later'],
    [PRICE, 'alter function later.price(integer) set schema public'],
    [PRICE, 'alter routine price(integer) owner to pg_monitor'],
    [NOTE, 'drop trigger note on users'],
    [NOTE, 'alter trigger note on users rename to other'],
    [OWN, 'alter policy own on users using (false)'],
    [OWN, 'drop policy own on public.users'],
    [EMAIL, 'drop type email'],
    [EMAIL, 'alter domain email rename constraint a to b'],
    [MOOD, 'alter type mood owner to pg_monitor'],
    [MOOD, 'alter type other rename to mood'],
    [RIGHT, 'revoke all on function price from pg_monitor'],
    [RIGHT, 'grant execute on function other(), price(int) to public, pg_monitor'],
  ])('%o is held against: %s', (one, up) => {
    expect(both(one, byHand(up))).toBeDefined()
    expect(both(byHand(up), one)).toBeDefined()
  })

  test.each<[Operation, string]>([
    [PRICE, 'drop function price(text)'],
    [PRICE, 'drop function prices'],
    [PRICE, 'drop procedure price(integer)'],
    [PRICE, 'alter function later.price(integer) rename to cost'],
    [NOTE, 'drop trigger note on teams'],
    [EMAIL, 'drop type mails'],
    [MOOD, 'alter type mood2 rename to mood3'],
    [RIGHT, 'grant execute on function price(integer) to public'],
    [RIGHT, 'grant execute on function price(text) to pg_monitor'],
  ])('%o is not: %s', (one, up) => {
    expect(both(one, byHand(up))).toBeUndefined()
    expect(both(byHand(up), one)).toBeUndefined()
  })
})
