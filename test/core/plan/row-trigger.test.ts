import { describe, expect, test } from 'vitest'
import { type Chore, type Duty, installSql, triggerFor } from '../../../src/core/plan/row-trigger.ts'
import { trusted } from '../../../src/core/sql.ts'
import { USERS } from '../../support/model.ts'

const chore = (text: string, when?: string): Chore => ({
  lines: (leave) => trusted(`  ${text}; ${leave};`),
  ...(when === undefined ? {} : { when: trusted(when) }),
})
const duty = (name: string, more: Partial<Duty> = {}): Duty => ({
  table: USERS,
  trigger: `zzz_${name}`,
  function: name,
  until: 'purge',
  visible: chore(`see ${name}`),
  hidden: chore(`hide ${name}`),
  ...more,
})
const [one, two] = [duty('one'), duty('two')]
const filled = duty('filled', {
  events: 'insert',
  visible: chore('fill', 'new.a is null'),
  hidden: chore('fill', 'new.b is null'),
})

describe('a trigger', () => {
  test.each<[string, readonly Duty[] | undefined]>([
    ['with nobody', undefined],
    ['with itself alone', [one]],
    ['with what ends at another time', [one, duty('two', { until: 'offer' })]],
    ['with what needs the rights of the owner', [one, duty('two', { asOwner: true })]],
    ['with what is done to another table', [one, duty('two', { table: { ...USERS, name: 'teams' } })]],
  ])('is not shared %s', (_what, others) => {
    expect(triggerFor(one, others).visible).toEqual({
      table: USERS,
      trigger: 'zzz_one',
      function: 'one',
      body: '\nbegin\n  see one; return new;\n  return new;\nend',
    })
  })

  test('that is shared has the name of the first one, whoever asks, and does all in their order', () => {
    const shared = triggerFor(two, [one, two])
    expect(shared).toEqual(triggerFor(one, [one, two]))
    expect(shared.hidden).toEqual({
      table: USERS,
      trigger: 'zzz_one',
      function: 'one',
      body: `
begin
  <<part_1>>
  begin
  hide one; exit part_1;
  end;
  <<part_2>>
  begin
  hide two; exit part_2;
  end;
  return new;
end`,
    })
  })

  test('that is shared does on an INSERT alone, and in some rows alone, what is done there', () => {
    const { body, when, events } = triggerFor(one, [one, filled]).visible
    expect([when, events]).toEqual([undefined, undefined])
    expect(body).toContain(`
  if tg_op operator(pg_catalog.=) 'INSERT' and new.a is null then
  <<part_2>>`)
  })

  test('is not called for rows in which none of its parts has anything to do', () => {
    const other = duty('other', { events: 'insert', visible: chore('fill', 'new.c is null') })
    const { visible } = triggerFor(filled, [filled, other])
    expect(installSql(visible)[1]).toBe(
      'create trigger "zzz_filled" before insert on "public"."users" for each row when (new.a is null or new.c is null) execute function bellows."filled"()',
    )
    expect(visible.body).toContain('  if new.c is null then\n  <<part_2>>')
  })
})
