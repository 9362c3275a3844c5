import { describe, expect, test } from 'vitest'
import { strangersQuestion } from '../../../src/core/operations/grant/catalog.ts'
import { OPERATION_KINDS, specOf } from '../../../src/core/operations/index.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import type { Context } from '../../../src/core/operations/operation.ts'
import { boundKey } from '../../../src/core/schema/bounds.ts'
import {
  column,
  context,
  factsWithTypes,
  index,
  mappingFacts,
  schemaOf,
  table,
  tableWith,
  triedIndex,
} from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const DEFINITION = 'create index on users (name)'
const REPLACEMENT = 'create index users_old on users (name)'
const EXAMPLES: Readonly<Record<Operation['kind'], Operation>> = {
  add_column: { kind: 'add_column', ...on, column: 'slug', type: 'text', nullable: true },
  attach_partition: { kind: 'attach_partition', ...on, partition: 'old', bounds: 'for values in (1)' },
  detach_partition: { kind: 'detach_partition', ...on, partition: 'part' },
  add_enum_value: { kind: 'add_enum_value', namespace: 'public', type: 'mood', value: 'sad' },
  rename_enum_value: {
    kind: 'rename_enum_value',
    namespace: 'public',
    type: 'mood',
    from: 'ok',
    to: 'fine',
    unsafe: 'a test',
  },
  remove_enum_value: {
    kind: 'remove_enum_value',
    namespace: 'public',
    type: 'mood',
    value: 'ok',
    becomes: null,
  },
  create_object: {
    kind: 'create_object',
    namespace: 'public',
    definition: 'create view names as select 1 as one',
  },
  create_table: {
    kind: 'create_table',
    ...on,
    table: 'notes',
    columns: [{ name: 'note', type: 'text', nullable: true }],
    constraints: [],
  },
  create_index: { kind: 'create_index', definition: DEFINITION },
  add_constraint: { kind: 'add_constraint', ...on, unique: ['name'] },
  drop_constraint: { kind: 'drop_constraint', ...on, name: 'users_pkey' },
  rename_constraint: { kind: 'rename_constraint', ...on, from: 'users_pkey', to: 'users_key' },
  alter_column: { kind: 'alter_column', ...on, column: 'name', comment: 'a name' },
  drop_column: { kind: 'drop_column', ...on, column: 'name' },
  drop_object: { kind: 'drop_object', namespace: 'public', object: 'domain email' },
  replace_object: {
    kind: 'replace_object',
    namespace: 'public',
    definition: 'create policy own on users using (true)',
  },
  sql: {
    kind: 'sql',
    namespace: 'public',
    up: 'create table plans (id integer)',
    down: 'drop table plans',
    phase: 'expand',
  },
  alter_domain: { kind: 'alter_domain', namespace: 'public', domain: 'email', default: "'none'" },
  grant: { kind: 'grant', namespace: 'public', on: 'users', privileges: ['select'], to: ['app'] },
  revoke: { kind: 'revoke', namespace: 'public', on: 'users', privileges: ['insert'], from: ['app'] },
  drop_index: { kind: 'drop_index', ...on, index: 'users_old' },
  drop_table: { kind: 'drop_table', ...on },
  rename_table: { kind: 'rename_table', ...on, to: 'people' },
  set_table: { kind: 'set_table', ...on, set: { fillfactor: '70' }, reset: [] },
  rename_column: { kind: 'rename_column', ...on, from: 'name', to: 'full_name' },
  rename_index: { kind: 'rename_index', ...on, from: 'users_old', to: 'users_new' },
  replace_index: { kind: 'replace_index', definition: REPLACEMENT },
  change_type: { kind: 'change_type', ...on, column: 'name', type: 'varchar' },
  merge_columns: {
    kind: 'merge_columns',
    ...on,
    from: [{ name: 'name', down: 'whole' }],
    to: 'whole',
    type: 'text',
    nullable: true,
    up: 'name',
  },
  split_column: {
    kind: 'split_column',
    ...on,
    from: 'name',
    to: [
      { name: 'first', type: 'text', nullable: true, up: 'name' },
      { name: 'last', type: 'text', nullable: true, up: 'name' },
    ],
    down: 'first || last',
  },
  move_column: {
    kind: 'move_column',
    from: { ...on, column: 'name' },
    to: { namespace: 'public', table: 'profiles', column: 'name' },
    on: [{ target: 'id', source: 'id' }],
  },
}
const BOUNDS = { bounds: 'FOR VALUES IN (1)', proof: 'true', fallback: null }
const GIVEN = { column: null, grantee: 'app', privilege: 'insert', grantable: false, grantor: null }
const PAIR = { target: 'id', source: 'id', operator: { namespace: 'pg_catalog', name: '=' } }
/** The object that is to be created is not there, nor a default partition, nor a key of one partition; all others are, and no role is missing. */
const NONE: ReadonlySet<Operation['kind']> = new Set(['create_object', 'attach_partition', 'drop_table'])
/** What asks for something that is in the way, or to be told: a part of another index, a name that is met, a variable. */
const OTHERS = [' as whole from ', 'search_path=', '#variable_conflict']
const ANSWERS = OPERATION_KINDS.flatMap((kind) => {
  const row = {
    holds: false,
    definition: 'create …',
    owned: true,
    dependents: [],
    label: 'ok',
    items: [GIVEN],
    ...BOUNDS,
    name: 'link',
    validated: true,
    deferrable: false,
    unique: 'key',
    pairs: [PAIR],
    makes: true,
    columns: [],
    users: [],
  }
  return (specOf(EXAMPLES[kind]).needs(EXAMPLES[kind]).questions ?? []).map(
    (question) => [question, isNone(kind, question) ? [] : [row]] as const,
  )
})
function isNone(kind: Operation['kind'], question: string): boolean {
  const isOfOthers = OTHERS.some((one) => question.includes(one))
  return NONE.has(kind) || question === strangersQuestion(['app']) || isOfOthers
}
const users = {
  ...tableWith([column('name')], { indexes: [index('users_old', ['id'])] }),
  grants: [{ grantee: 'app', toPublic: false, privilege: 'INSERT', grantable: false }],
}
const mappings = Object.assign({}, ...Object.values(EXAMPLES).map((op) => mappingFacts(specOf(op).needs(op))))
const facts = {
  ...factsWithTypes(
    { text: 'text', varchar: 'character varying' },
    {
      mappings,
      indexes: {
        [DEFINITION]: triedIndex('users_name_idx', ['name']),
        [REPLACEMENT]: triedIndex('users_old', ['name']),
      },
    },
  ),
  answers: Object.fromEntries(ANSWERS),
}
const profiles = table({ name: 'profiles', columns: [column('id', 'bigint', { nullable: false })] })
const usual: Context = { ...context(users, facts), schema: schemaOf(users, profiles) }

/** A partitioned table, a partition of it, and a table that is to be one. */
const parted = {
  ...usual,
  schema: schemaOf(
    table({
      ...users,
      kind: 'partitioned',
      constraints: [],
      indexes: [],
      parts: [
        {
          ...on,
          name: 'part',
          kind: 'table',
          under: { ...on, name: 'users' },
          owned: true,
          own: [],
        },
      ],
    }),
    table({ ...users, name: 'part', kind: 'partition' }),
    table({ ...users, name: 'old' }),
  ),
  facts: {
    ...usual.facts,
    bounds: {
      [boundKey({ table: { namespace: 'public', name: 'users' }, bounds: 'for values in (1)' })]: {
        proof: 'true',
      },
    },
  },
}

describe('the registry', () => {
  test('has every kind of operation', () => {
    expect([...OPERATION_KINDS].sort()).toEqual(Object.keys(EXAMPLES).sort())
  })

  test.each(OPERATION_KINDS)('tells the story of %s in the same seven fields, in their order', (kind) => {
    expect(Object.keys(specOf(EXAMPLES[kind]))).toEqual([
      'needs',
      'check',
      'apply',
      'expand',
      'backfill',
      'contract',
      'rollback',
    ])
  })

  test.each(OPERATION_KINDS)('has phases that are those of the fields they stand in: %s', (kind) => {
    const [op, spec] = [EXAMPLES[kind], specOf(EXAMPLES[kind])]
    const known = kind.endsWith('_partition') ? parted : usual
    expect(spec.check(op, known)).toEqual([])
    expect(spec.expand(op, known).every(({ phase }) => phase === 'expand')).toBe(true)
    expect(spec.backfill(op, known).every(({ phase }) => phase === 'backfill')).toBe(true)
    expect(
      spec.contract(op, known).every(({ phase }) => ['verify', 'rollout', 'retire', 'purge'].includes(phase)),
    ).toBe(true)
    expect(spec.rollback(op, known).every(({ phase }) => ['retire', 'expand'].includes(phase))).toBe(true)
  })

  // The model knows tables and what hangs on them; other things leave it as it is. A move is between two of them.
  const inATable = OPERATION_KINDS.filter(
    (kind) => !/_table$|_object$|_enum_value$|_partition$|_domain$|^sql$|^move_column$/.test(kind),
  )
  test.each(inATable)('has operations that change nothing but the table they name: %s', (kind) => {
    const [op, spec] = [EXAMPLES[kind], specOf(EXAMPLES[kind])]
    const other = table({ name: 'teams' })
    const before = schemaOf(users, other)
    const after = spec.apply(op, before, usual.facts)
    expect(after.tables[1]).toBe(other)
    expect(after.tables[0]).not.toEqual(before.tables[0])
    const without = schemaOf(other)
    expect(spec.apply(op, without, usual.facts)).toBe(without)
  })
})
