import { describe, expect, test } from 'vitest'
import { migrationFormat, OPERATION_FORMATS } from '../../../src/adapters/files/migration-format.ts'
import { OPERATION_KINDS } from '../../../src/core/operations/index.ts'
import { TRANSFORMS } from '../../../src/core/plan/mapping.ts'

type Kind = keyof typeof OPERATION_FORMATS

/** What an operation is read as, or what is wrong with it, each with its place. */
function read(kind: Kind, fields: unknown): unknown {
  const result = OPERATION_FORMATS[kind].safeParse(fields)
  return result.success
    ? result.data
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const TABLE = { table: 'users' }
const READ = { namespace: 'public', table: 'users' }

describe('an operation', () => {
  test('has a format for every kind that there is', () => {
    expect(Object.keys(OPERATION_FORMATS).sort()).toEqual([...OPERATION_KINDS].sort())
  })

  test.each<[Kind, object, object]>([
    [
      'add_column',
      { ...TABLE, column: 'slug', type: 'text' },
      { ...READ, column: 'slug', type: 'text', nullable: true },
    ],
    [
      'add_column',
      { namespace: 'app', table: 'users', column: 'slug', type: 'text', nullable: false, default: "'x'" },
      { namespace: 'app', table: 'users', column: 'slug', type: 'text', nullable: false, default: "'x'" },
    ],
    [
      'add_column',
      { ...TABLE, column: 'a', type: 'int', default: 0 },
      { ...READ, column: 'a', type: 'int', nullable: true, default: '0' },
    ],
    [
      'add_column',
      { ...TABLE, column: 'a', type: 'int', default: -1.5 },
      { ...READ, column: 'a', type: 'int', nullable: true, default: '-1.5' },
    ],
    [
      'add_column',
      { ...TABLE, column: 'a', type: 'boolean', default: false },
      { ...READ, column: 'a', type: 'boolean', nullable: true, default: 'false' },
    ],
    ['drop_column', { ...TABLE, column: 'slug' }, { ...READ, column: 'slug' }],
    ['rename_column', { ...TABLE, from: 'a', to: 'b' }, { ...READ, from: 'a', to: 'b' }],
    [
      'rename_column',
      { ...TABLE, from: 'a', to: 'b', type: 'bigint', transform: 'copy', overlap: 'forward_only' },
      { ...READ, from: 'a', to: 'b', type: 'bigint', transform: 'copy', overlap: 'forward_only' },
    ],
  ])('%s is read with its defaults: %j', (kind, fields, expected) => {
    expect(read(kind, fields)).toStrictEqual(expected)
  })

  test.each(TRANSFORMS)('that renames may have the transform %s', (transform) => {
    expect(read('rename_column', { ...TABLE, from: 'a', to: 'b', transform })).toMatchObject({ transform })
  })

  test('keeps names as they are written', () => {
    expect(read('drop_column', { namespace: 'My App', table: ' Users ', column: 'a"b' })).toEqual({
      namespace: 'My App',
      table: ' Users ',
      column: 'a"b',
    })
  })

  const REQUIRED = 'Invalid input: expected string, received undefined'
  const EMPTY = 'Too small: expected string to have >=1 characters'

  test.each<[Kind, unknown, readonly string[]]>([
    ['add_column', {}, [`table: ${REQUIRED}`, `column: ${REQUIRED}`, `type: ${REQUIRED}`]],
    ['add_column', { ...TABLE, column: '', type: '' }, [`column: ${EMPTY}`, `type: ${EMPTY}`]],
    [
      'add_column',
      { ...TABLE, column: 'a', type: 'text', nullable: 'no' },
      ['nullable: Invalid input: expected boolean, received string'],
    ],
    ['add_column', { ...TABLE, column: 'a', type: 'text', default: null }, ['default: Invalid input']],
    ['add_column', { ...TABLE, column: 'a', type: 'text', default: ['x'] }, ['default: Invalid input']],
    ['add_column', { ...TABLE, column: 'a', type: 'text', default: Number.NaN }, ['default: Invalid input']],
    ['add_column', { ...TABLE, column: 'a', type: 'text', using: 'a' }, [': Unrecognized key: "using"']],
    ['drop_column', { table: '', column: 'a' }, [`table: ${EMPTY}`]],
    ['drop_column', { table: 5, column: 'a' }, ['table: Invalid input: expected string, received number']],
    ['drop_column', { ...TABLE, name: 'a' }, [`column: ${REQUIRED}`, ': Unrecognized key: "name"']],
    ['drop_column', null, [': Invalid input: expected object, received null']],
    ['drop_column', 'users.name', [': Invalid input: expected object, received string']],
    ['rename_column', { ...TABLE, from: 'a' }, [`to: ${REQUIRED}`]],
    [
      'rename_column',
      { ...TABLE, from: 'a', to: 'b', transform: 'rot13' },
      ['transform: Invalid option: expected one of "copy"|"trim"|"upper"|"lower"'],
    ],
    [
      'rename_column',
      { ...TABLE, from: 'a', to: 'b', overlap: 'both' },
      ['overlap: Invalid input: expected "forward_only"'],
    ],
    [
      'rename_column',
      { namespace: null, table: 'users', from: 'a', to: 'b' },
      ['namespace: Invalid input: expected string, received null'],
    ],
  ])('%s is refused: %j', (kind, fields, problems) => {
    expect(read(kind, fields)).toEqual(problems)
  })
})

describe('a file', () => {
  const problemsOf = (content: unknown) =>
    migrationFormat
      .safeParse(content)
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)

  test.each<[unknown]>([[{ operations: [{}] }], [{ operations: [{ a: 1 }, { b: null }] }]])(
    'holds operations, whatever they are: %j',
    (content) => {
      expect(migrationFormat.parse(content)).toEqual(content)
    },
  )

  test.each<[unknown, string]>([
    [undefined, ': Invalid input: expected object, received undefined'],
    [null, ': Invalid input: expected object, received null'],
    [[], ': Invalid input: expected object, received array'],
    [{}, 'operations: Invalid input: expected array, received undefined'],
    [{ operations: [] }, 'operations: Too small: expected array to have >=1 items'],
    [{ operations: {} }, 'operations: Invalid input: expected array, received object'],
    [{ operations: ['x'] }, 'operations.0: Invalid input: expected record, received string'],
    [{ operations: [{}, null] }, 'operations.1: Invalid input: expected record, received null'],
    [{ operations: [{}], name: 'x' }, ': Unrecognized key: "name"'],
  ])('of %j is refused: %s', (content, problem) => {
    expect(problemsOf(content)).toEqual([problem])
  })
})
