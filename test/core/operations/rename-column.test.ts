import { describe, expect, test } from 'vitest'
import type { RenameColumn } from '../../../src/core/operations/rename/rename.ts'
import { workFor } from '../../../src/core/operations/rename/work.ts'
import { renameColumn } from '../../../src/core/operations/rename-column.ts'
import { setColumnState } from '../../../src/core/plan/column-state.ts'
import { dualWrite } from '../../../src/core/plan/dual-write.ts'
import { mappingFor } from '../../../src/core/plan/mapping.ts'
import { installCounterSql } from '../../../src/core/plan/old-writes.ts'
import { columnExists, dualWriteStands } from '../../../src/core/plan/probes.ts'
import { bodyOf, installSql } from '../../../src/core/plan/row-trigger.ts'
import type { Column, Table } from '../../../src/core/schema/model.ts'
import { column, context, factsWithTypes, table, tableWith, USERS } from '../../support/model.ts'
import { rename } from '../../support/rename.ts'

const known = factsWithTypes({ bigint: 'bigint', text: 'text', 'varchar(9)': 'character varying(9)' })
const forward = { transform: 'trim', overlap: 'forward_only' } as const

/** A dual write as the plan installs it, for a column and its mapping. */
const installed = (of: Table, more: Partial<RenameColumn> = {}) => {
  const op = rename(more)
  const from = of.columns.find(({ name }) => name === op.from) ?? column('?')
  const to = op.type === undefined ? from : (known.types[op.type] ?? from)
  const mapping = mappingFor(from, to, op.transform ?? 'copy', known)
  if ('problem' in mapping) throw new Error(mapping.problem)
  const chore = dualWrite({ table: of, from: op.from, to: op.to, mapping, fromColumn: from })
  return {
    table: of,
    trigger: 'zzz_bellows_dual_write_8f44d509_name',
    function: 'bellows_dual_write_8f44d509_name',
    body: bodyOf(chore),
    ...(chore.when === undefined ? {} : { when: chore.when }),
  }
}

/** How writes of the old column are counted. */
const counting = (of: Table, more: Partial<RenameColumn> = {}) =>
  workFor(rename(more), context(of, known)).counting

const expand = (of: Table = table(), more: Partial<RenameColumn> = {}) =>
  renameColumn.expand(rename(more), context(of, known))
const statementsOf = (of: Table, more: Partial<RenameColumn> = {}) => {
  const [step] = expand(of, more)
  return step !== undefined && 'statements' in step ? step.statements : []
}

describe('the step that expands', () => {
  test('adds the column and keeps both in step, in one transaction', () => {
    const users = table()
    expect(expand(users)).toEqual([
      {
        kind: 'install_dual_write',
        shares: expect.objectContaining({ at: 'install' }),
        phase: 'expand',
        does: 'add the column "full_name" and keep "name" and "full_name" of "users" in step',
        hazards: [expect.objectContaining({ code: 'column_is_last' })],
        probe: `(${columnExists(users, 'full_name')}) and (${dualWriteStands(installed(users))})`,
        changes: { kind: 'added', column: 'full_name' },
        locks: [{ relation: users, level: 'access_exclusive' }],
        requires: [],
        cost: 'instant',
        statements: [
          'alter table "public"."users" add column "full_name" text',
          ...installSql(installed(users)),
          ...installCounterSql(counting(users)),
          setColumnState(USERS, 'full_name', 'not_ready'),
        ],
      },
    ])
  })

  test('adopts a column that is there, under a lock that readers do not feel', () => {
    const users = tableWith([column('name', 'text', { comment: 'c' }), column('full_name')])
    expect(expand(users)).toMatchObject([
      {
        kind: 'install_dual_write',
        does: 'keep "name" and "full_name" of "users" in step',
        locks: [{ relation: users, level: 'share_row_exclusive' }],
        statements: [
          ...installSql(installed(users)),
          ...installCounterSql(counting(users)),
          `comment on column "public"."users"."full_name" is 'c'`,
          setColumnState(USERS, 'full_name', 'not_ready'),
        ],
      },
    ])
    expect(expand(users)[0]).not.toHaveProperty('changes')
  })

  test('keeps the new column closed where nothing can come back', () => {
    expect(statementsOf(table(), forward).at(-1)).toBe(setColumnState(USERS, 'full_name', 'closed'))
  })

  test.each<[string, Table, Partial<RenameColumn>, string]>([
    [
      'the type of the old one',
      tableWith([column('name', 'character varying(20)')]),
      {},
      'alter table "public"."users" add column "full_name" character varying(20)',
    ],
    [
      'the collation of the old one',
      tableWith([column('name', 'text', { collation: { namespace: 'pg_catalog', name: 'C' } })]),
      {},
      'alter table "public"."users" add column "full_name" text collate "pg_catalog"."C"',
    ],
    [
      'another type',
      tableWith([column('name', 'integer')]),
      { type: 'bigint' },
      'alter table "public"."users" add column "full_name" bigint',
    ],
    [
      'neither default nor NOT NULL, before the contract',
      tableWith([column('name', 'text', { nullable: false, default: "'x'" })]),
      {},
      'alter table "public"."users" add column "full_name" text',
    ],
    ['an odd name', table(), { to: `a"b'c` }, `alter table "public"."users" add column "a""b'c" text`],
  ])('gives the new column %s', (_what, of, more, statement) => {
    expect(statementsOf(of, more)[0]).toBe(statement)
  })

  test('leaves storage and compression to another type, and keeps the collation of a text', () => {
    const known = factsWithTypes({ text: 'text', integer: 'integer' })
    const expanded = (of: Column, type: string) => {
      const op = rename({ type, overlap: 'forward_only' })
      const [step] = renameColumn.expand(op, context(tableWith([of]), known))
      return step !== undefined && 'statements' in step ? step.statements.join('\n') : ''
    }
    expect(expanded(column('name', 'integer'), 'text')).not.toContain('set storage')
    expect(expanded(column('name', 'numeric', { compression: 'pglz' }), 'integer')).not.toMatch(
      /set (storage|compression)/,
    )
    const collation = { namespace: 'pg_catalog', name: 'C' }
    expect(expanded(column('name', 'character varying(20)', { collation }), 'text')).toContain(
      'add column "full_name" text collate "pg_catalog"."C"',
    )
  })

  test('gives the new column the attributes of the old one', () => {
    const users = tableWith([
      column('name', 'text', {
        statisticsTarget: 500,
        storage: 'external',
        compression: 'pglz',
        options: ['n_distinct=-0.5'],
        comment: 'c',
        grants: [{ grantee: 'app', toPublic: false, privilege: 'SELECT', grantable: false }],
      }),
    ])
    expect(statementsOf(users).slice(14, -1)).toEqual([
      'alter table "public"."users" alter column "full_name" set statistics 500, alter column "full_name" set storage external, alter column "full_name" set compression pglz, alter column "full_name" set (n_distinct=-0.5)',
      `comment on column "public"."users"."full_name" is 'c'`,
      'grant select ("full_name") on "public"."users" to "app"',
    ])
  })
})

describe('the step that fills', () => {
  const backfill = (of: Table, more: Partial<RenameColumn> = {}) =>
    renameColumn.backfill(rename(more), context(of, known))

  test('computes the value in the database, for rows that lack it', () => {
    const users = table()
    expect(backfill(users)).toEqual([
      {
        kind: 'backfill',
        shares: expect.objectContaining({ at: 'fill' }),
        phase: 'backfill',
        does: 'fill "full_name" from "name" where "users" still lacks it',
        hazards: [],
        changes: { kind: 'copied', from: 'name', to: 'full_name' },
        table: users,
        set: '"full_name" = "name"',
        unfilled: '("full_name" is null and "name" is not null)',
        key: ['id'],
      },
    ])
  })

  test.each<[string, Table, Partial<RenameColumn>, string, string]>([
    [
      'a widening',
      tableWith([column('name', 'integer')]),
      { type: 'bigint' },
      '"full_name" = "name"::bigint',
      '("full_name" is null and "name"::bigint is not null)',
    ],
    [
      'a transform',
      table(),
      forward,
      '"full_name" = pg_catalog.btrim("name")',
      '("full_name" is null and pg_catalog.btrim("name") is not null)',
    ],
    [
      'a shorter text',
      table(),
      { type: 'varchar(9)', overlap: 'forward_only' },
      '"full_name" = "name"::character varying',
      '("full_name" is null and "name"::character varying is not null)',
    ],
  ])('by %s', (_what, of, more, set, unfilled) => {
    expect(backfill(of, more)).toMatchObject([{ set, unfilled }])
  })

  test('names rows by their key, or not at all', () => {
    expect(backfill(table({ constraints: [] }))).toMatchObject([{ key: [] }])
  })
})

describe('the steps that contract', () => {
  const kinds = (of: Table, more: Partial<RenameColumn> = {}) =>
    renameColumn.contract(rename(more), context(of, known)).map(({ kind, phase }) => `${phase} ${kind}`)

  test('prove, offer, wait, hide and drop', () => {
    expect(kinds(table())).toEqual([
      'verify verify',
      'verify ddl',
      'verify validate',
      'verify ddl',
      'rollout gate',
      'retire retire',
      'purge purge',
    ])
  })

  test('do not offer a column that cannot be written yet', () => {
    expect(kinds(table(), forward)).toEqual([
      'verify verify',
      'verify ddl',
      'verify validate',
      'rollout gate',
      'retire retire',
      'purge purge',
    ])
  })
})

describe('the steps that roll back', () => {
  const back = (more: Partial<RenameColumn> = {}) =>
    renameColumn.rollback(rename(more), context(table(), known)).map(({ phase, does }) => [phase, does])

  test('bring the old column back, and take the new one away', () => {
    expect(back()).toEqual([
      ['retire', 'bring the column "name" of "users" back'],
      ['expand', 'drop the column "full_name" of "users" again'],
    ])
  })

  test('cannot undo a retire where nothing came back meanwhile', () => {
    expect(back(forward)).toEqual([['expand', 'drop the column "full_name" of "users" again']])
  })
})
