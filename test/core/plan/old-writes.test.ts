import { describe, expect, test } from 'vitest'
import { mappingFor } from '../../../src/core/plan/mapping.ts'
import { countingFor, installCounterSql, uninstallCounterSql } from '../../../src/core/plan/old-writes.ts'
import { column, facts, USERS } from '../../support/model.ts'

const mapping = mappingFor(column('name'), column('full_name'), 'copy', facts())
if ('problem' in mapping) throw new Error(mapping.problem)
const pair = { table: USERS, from: 'name', to: 'full_name', mapping, fromColumn: column('name') }
const counting = (more: object = {}) =>
  countingFor({ ...pair, ...more }, 'old_writes_1', 'zzz_bellows_dual_write_1_name')

describe('what counts writes through the old shape', () => {
  test('fires right before the dual write, for rows of which only the old column is written', () => {
    expect(counting()).toEqual({
      table: USERS,
      column: 'name',
      counter: 'old_writes_1',
      onInsert: {
        name: 'zzz_bellows_count_insert_1_name',
        when: '(new."full_name" is null and new."name" is not null) and not (new."name" is null)',
      },
      onUpdate: {
        name: 'zzz_bellows_count_update_1_name',
        when: 'not pg_catalog.record_image_eq(row(new."name"), row(old."name"))',
        unless:
          'not pg_catalog.record_image_eq(row(new."full_name"), row(old."full_name")) or pg_catalog.record_image_eq(row(new."full_name"), row(new."name"))',
      },
    })
    const { onInsert, onUpdate } = counting()
    for (const one of [onInsert, onUpdate])
      expect(String(one?.name) < 'zzz_bellows_dual_write_1_name').toBe(true)
  })

  test('does not take the default of the old column for a write of it', () => {
    const volatile = column('name', 'text', { default: 'random()', defaultVolatility: 'volatile' })
    expect(counting({ fromColumn: volatile }).onInsert?.when).toMatch(/and not \(true\)$/)
  })

  test('is put up in this order', () => {
    const lines = installCounterSql(counting())
    expect(lines.slice(0, 3)).toEqual([
      'create sequence bellows."old_writes_1_number"',
      `create table bellows."old_writes_1" (at timestamptz not null default pg_catalog.clock_timestamp(), role text not null default session_user, application text not null default pg_catalog.current_setting('application_name'), address inet default pg_catalog.inet_client_addr(), pid integer not null default pg_catalog.pg_backend_pid())`,
      'create index on bellows."old_writes_1" (at)',
    ])
    expect(lines[3]).toMatch(
      /^create function bellows\."old_writes_1"\(\) returns trigger language plpgsql security definer as '/,
    )
    expect(lines[4]).toBe('revoke all on function bellows."old_writes_1"() from public')
    expect(lines[5]).toMatch(/^do 'begin execute .*grant execute on function bellows/)
    expect(lines.slice(6)).toEqual(
      ['insert', 'update'].flatMap((event) => [
        expect.stringMatching(
          new RegExp(
            `^create trigger "zzz_bellows_count_${event}_1_name" before ${event} on "public"\\."users" for each row when \\(.*new\\."name".*\\) execute function bellows\\."old_writes_1"\\(\\)$`,
          ),
        ),
        `alter table "public"."users" enable always trigger "zzz_bellows_count_${event}_1_name"`,
      ]),
    )
  })

  test('is taken away whole, from whatever point it has come to', () => {
    expect(uninstallCounterSql(counting())).toEqual([
      'drop trigger if exists "zzz_bellows_count_insert_1_name" on "public"."users"',
      'drop trigger if exists "zzz_bellows_count_update_1_name" on "public"."users"',
      'drop function if exists bellows."old_writes_1"()',
      'drop table if exists bellows."old_writes_1"',
      'drop sequence if exists bellows."old_writes_1_number"',
      `delete from bellows.brownout where counter = 'old_writes_1'`,
    ])
  })
})
