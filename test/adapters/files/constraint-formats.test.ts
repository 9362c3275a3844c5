import { describe, expect, test } from 'vitest'
import { OPERATION_FORMATS } from '../../../src/adapters/files/migration-format.ts'

type Kind = keyof typeof OPERATION_FORMATS

function read(kind: Kind, fields: unknown): unknown {
  const result = OPERATION_FORMATS[kind].safeParse(fields)
  return result.success
    ? result.data
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const READ = { namespace: 'public', table: 'orders' }
const key = {
  columns: ['customer'],
  references: { table: 'customers', columns: ['id'], on_delete: 'cascade' },
}

describe('a constraint in a file', () => {
  test.each<[Kind, object, object]>([
    ['add_constraint', { table: 'orders', check: 'total > 0' }, { ...READ, check: 'total > 0' }],
    [
      'add_constraint',
      {
        table: 'orders',
        name: 'n',
        when: 'before_rollout',
        unique: ['a', 'b'],
        include: ['c'],
        nulls_not_distinct: true,
        deferrable: 'initially_deferred',
      },
      {
        ...READ,
        name: 'n',
        when: 'before_rollout',
        unique: ['a', 'b'],
        include: ['c'],
        nulls_not_distinct: true,
        deferrable: 'initially_deferred',
      },
    ],
    [
      'add_constraint',
      { table: 'orders', foreign_key: key },
      { ...READ, foreign_key: { ...key, references: { ...key.references, namespace: 'public' } } },
    ],
    [
      'alter_column',
      {
        table: 'orders',
        column: 'a',
        nullable: false,
        default: 7,
        comment: null,
        unique: {},
        check: { constraint: 'a > 0' },
        references: { table: 't', column: 'id' },
      },
      {
        ...READ,
        column: 'a',
        nullable: false,
        default: '7',
        comment: null,
        unique: {},
        check: { constraint: 'a > 0' },
        references: { namespace: 'public', table: 't', column: 'id' },
      },
    ],
    [
      'alter_column',
      { table: 'orders', column: 'a', default: null },
      { ...READ, column: 'a', default: null },
    ],
    ['drop_constraint', { table: 'orders', name: 'n' }, { ...READ, name: 'n' }],
    ['rename_constraint', { table: 'orders', from: 'a', to: 'b' }, { ...READ, from: 'a', to: 'b' }],
  ])('%s is read: %j', (kind, fields, expected) => {
    expect(read(kind, fields)).toStrictEqual(expected)
  })

  test.each<[Kind, object, RegExp]>([
    ...['type', 'collation', 'up', 'down'].map((field): [Kind, object, RegExp] => [
      'alter_column',
      { table: 'orders', column: 'a', [field]: 'x' },
      new RegExp(`^${field}: .*the operation change_type$`),
    ]),
    ['alter_column', { table: 'orders', column: 'a', unique: true }, /^unique: /],
    ['drop_constraint', { table: 'orders' }, /^name: /],
    ['rename_constraint', { table: 'orders', from: 'a' }, /^to: /],
    ['add_constraint', { table: 'orders', chek: 'x' }, /Unrecognized key: "chek"/],
    ['add_constraint', { table: 'orders', unique: [] }, /^unique: /],
    ['add_constraint', { table: 'orders', check: 'x', when: 'contract' }, /^when: .*before_rollout/],
    [
      'add_constraint',
      { table: 'orders', foreign_key: { ...key, match: 'partial' } },
      /^foreign_key: Unrecognized/,
    ],
    [
      'add_constraint',
      { table: 'orders', foreign_key: { ...key, references: { ...key.references, on_delete: 'nothing' } } },
      /^foreign_key.references.on_delete: /,
    ],
  ])('%s is refused: %j', (kind, fields, problem) => {
    expect((read(kind, fields) as string[])[0]).toMatch(problem)
  })
})
