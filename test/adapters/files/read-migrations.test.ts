import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { OPERATION_FORMATS } from '../../../src/adapters/files/migration-format.ts'
import { readMigration, readMigrations } from '../../../src/adapters/files/read-migrations.ts'
import { BellowsError } from '../../../src/core/errors.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A folder with these files. */
function folderOf(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellows-files-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  return folder
}

/** Reads one file with a text, and gives the path, too, because messages name it. */
async function reading(name: string, text: string) {
  const file = path.join(folderOf({ [name]: text }), name)
  return { file, read: readMigration(file) }
}

async function refusal(work: Promise<unknown>): Promise<BellowsError> {
  try {
    await work
  } catch (error) {
    if (error instanceof BellowsError) return error
    throw error
  }
  throw new Error('it was taken')
}

const DROP = { kind: 'drop_column', namespace: 'public', table: 'users', column: 'name' }
const YAML = 'operations:\n  - drop_column: { table: users, column: name }\n'
const JSON_TEXT = '{ "operations": [{ "drop_column": { "table": "users", "column": "name" } }] }'
const MODULE = 'export default { operations: [{ drop_column: { table: "users", column: "name" } }] }'

describe('a migration file', () => {
  test.each<[string, string]>([
    ['0001_a.yaml', YAML],
    ['0001_a.yml', YAML],
    ['0001_a.yaml', `# a comment\n---\n${YAML}`],
    ['0001_a.yaml', `\uFEFF${YAML}`],
    ['0001_a.yaml', YAML.replaceAll('\n', '\r\n')],
    ['0001_a.yaml', JSON_TEXT],
    ['0001_a.yaml', 'operations:\n- drop_column:\n    table: users\n    column: "name"\n'],
    ['0001_a.json', JSON_TEXT],
    ['0001_a.json', JSON_TEXT.replaceAll(' ', '\n')],
    ['0001_a.ts', MODULE],
    ['0001_a.ts', `const column: string = "name"\n${MODULE.replace('column: "name"', 'column')} as const`],
    ['0001_a.ts', `import type { X } from "nowhere"\n${MODULE} satisfies X`],
    ['0001_a.mts', MODULE.replace('{ operations', 'await Promise.resolve({ operations').replace(/\}$/, '})')],
    ['0001_a.mjs', MODULE],
    ['0001_a.js', MODULE],
    ['0001_a.js', MODULE.replace('export default', 'module.exports =')],
  ])('%s is called after its file: %j', async (name, text) => {
    const { read } = await reading(name, text)
    expect(await read).toEqual({ name: '0001_a', operations: [DROP] })
  })

  test('may have several operations, and keeps their order', async () => {
    const { read } = await reading(
      'm.yaml',
      `operations:
  - rename_column: { table: users, from: name, to: full_name, transform: trim, overlap: forward_only }
  - add_column: { namespace: app, table: "Users", column: slug, type: varchar(20), nullable: false, default: 'now()' }
  - drop_column: { table: users, column: age }
`,
    )
    expect((await read).operations).toEqual([
      {
        kind: 'rename_column',
        namespace: 'public',
        table: 'users',
        from: 'name',
        to: 'full_name',
        transform: 'trim',
        overlap: 'forward_only',
      },
      {
        kind: 'add_column',
        namespace: 'app',
        table: 'Users',
        column: 'slug',
        type: 'varchar(20)',
        nullable: false,
        default: 'now()',
      },
      { kind: 'drop_column', namespace: 'public', table: 'users', column: 'age' },
    ])
  })

  test('may use what YAML has to avoid repetition', async () => {
    const { read } = await reading(
      'm.yaml',
      'operations:\n  - drop_column: { table: &t users, column: a }\n  - drop_column: { table: *t, column: b }\n',
    )
    expect((await read).operations).toMatchObject([
      { table: 'users', column: 'a' },
      { table: 'users', column: 'b' },
    ])
  })

  test.each<[string, string]>([
    ['0', '0'],
    ['1', '1'],
    ['-7', '-7'],
    ['1.5', '1.5'],
    ['true', 'true'],
    ['"0.10"', '0.10'],
    [`"'x'"`, "'x'"],
    ['now()', 'now()'],
    ['"now() - interval \'1 day\'"', "now() - interval '1 day'"],
    ['yes', 'yes'],
    ['"null"', 'null'],
  ])('has the default %s as %s', async (written, expected) => {
    const { read } = await reading(
      'm.yaml',
      `operations:\n  - add_column: { table: users, column: a, type: text, default: ${written} }\n`,
    )
    expect((await read).operations).toMatchObject([{ default: expected }])
  })

  test('has nothing that was not written but its defaults', async () => {
    const { read } = await reading(
      'm.yaml',
      'operations:\n  - add_column: { table: users, column: a, type: text }\n',
    )
    expect((await read).operations).toStrictEqual([
      { kind: 'add_column', namespace: 'public', table: 'users', column: 'a', type: 'text', nullable: true },
    ])
  })
})

describe('a migration file that is refused', () => {
  const DROPS = `there is ${Object.keys(OPERATION_FORMATS).join(', ')}`
  const KINDS = 'an operation is an object with one key, its kind; this one has'

  test.each<[string, string, string]>([
    ['an empty file', '', ': the file: expected object, received null'],
    ['a comment', '# nothing\n', ': the file: expected object, received null'],
    ['a list', '- a\n', ':1:1: the file: expected object, received array'],
    ['another key', 'operation: []\n', ':1:1: the file has no field "operation"; did you mean "operations"?'],
    ['nothing that is needed', '{}\n', ':1:1: the file needs "operations"'],
    ['no operation', 'operations: []\n', ':1:13: operations: must not be empty'],
    ['a text for a list', 'operations: none\n', ':1:13: operations: expected array, received string'],
    [
      'a text for an operation',
      'operations: [x]\n',
      ':1:14: operations[0]: expected record, received string',
    ],
    ['a key too many', `${YAML}name: x\n`, ':3:1: the file has no field "name"; there is operations'],
    [
      'an unknown operation that is nearly one',
      'operations:\n  - drop_colum: {}\n',
      ':2:5: operations[0]: there is no operation "drop_colum"; did you mean "drop_column"?',
    ],
    [
      'an unknown operation',
      'operations:\n  - vanish: {}\n',
      `:2:5: operations[0]: there is no operation "vanish"; ${DROPS}`,
    ],
    ['no kind of operation', 'operations:\n  - {}\n', `:2:5: operations[0]: ${KINDS} none`],
    [
      'two kinds in one operation',
      `${YAML}    add_column: {}\n`,
      `:2:5: operations[0]: ${KINDS} drop_column, add_column`,
    ],
    [
      'a name that every object has',
      'operations:\n  - toString: {}\n',
      `:2:5: operations[0]: there is no operation "toString"; ${DROPS}`,
    ],
    [
      'the name of the prototype',
      'operations:\n  - __proto__: {}\n',
      `:2:5: operations[0]: there is no operation "__proto__"; ${DROPS}`,
    ],
    [
      'the second operation',
      `${YAML}  - drop_column: { table: users }\n`,
      ':3:5: operations[1].drop_column needs "column"',
    ],
    [
      'a key too many in an operation',
      'operations:\n  - drop_column: { table: users, column: a, cascade: true }\n',
      `:2:45: operations[0].drop_column has no field "cascade"; there is ${Object.keys(OPERATION_FORMATS.drop_column.shape).join(', ')}`,
    ],
    [
      'a key that is misspelt, which is not missing besides',
      'operations:\n  - drop_column:\n      table: users\n      colunm: a\n',
      ':4:7: operations[0].drop_column has no field "colunm"; did you mean "column"?',
    ],
    [
      'a key within a list within an operation',
      'operations:\n  - create_table:\n      table: users\n      columns:\n        - name: id\n          typ: int\n',
      ':6:11: operations[0].create_table.columns[0] has no field "typ"; did you mean "type"?',
    ],
    [
      'an operation without fields',
      'operations:\n  - drop_column:\n',
      ':2:17: operations[0].drop_column: expected object, received null',
    ],
    [
      'a value of another type',
      'operations:\n  - drop_column: { table: 1, column: a }\n',
      ':2:27: operations[0].drop_column.table: expected string, received number',
    ],
    [
      'a default of nothing',
      'operations:\n  - add_column: { table: users, column: a, type: text, default: null }\n',
      ':2:65: operations[0].add_column.default: expected one of string, number, boolean',
    ],
    [
      'a transform that there is not',
      'operations:\n  - rename_column: { table: users, from: a, to: b, transform: rot13 }\n',
      ':2:63: operations[0].rename_column.transform: expected one of "copy"|"trim"|"upper"|"lower"',
    ],
    [
      'what an alias stands for, where that is written',
      'operations:\n  - drop_column: { table: &t "", column: a }\n  - drop_column: { table: *t, column: 1 }\n',
      ':3:39: operations[1].drop_column.column: expected string, received number',
    ],
    [
      'one key twice',
      'operations:\n  - drop_column: { table: users, column: a, column: b }\n',
      ':2:45: Map keys must be unique',
    ],
    [
      'a bracket that is not closed',
      'operations: [\n',
      ':2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a tab', '\toperations: x', ':1:1: Tabs are not allowed as indentation'],
    [
      'two documents',
      `${YAML}---\n${YAML}`,
      ':3:1: Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
    [
      'an alias without its anchor',
      'operations:\n  - drop_column: *x\n',
      ': Unresolved alias (the anchor must be set before the alias): x',
    ],
    [
      'a number that a double cannot hold',
      'operations:\n  - add_column: { table: users, column: a, type: numeric, default: 12345678901234567890 }\n',
      ':2:68: operations[0].add_column.default: write a number of more than 15 digits in quotes',
    ],
    [
      'a fraction that a double cannot hold',
      'operations:\n  - add_column: { table: users, column: a, type: numeric, default: -1234567890.123456789 }\n',
      ':2:68: operations[0].add_column.default: write a number of more than 15 digits in quotes',
    ],
  ])('names the place and the problem: %s', async (_what, text, problem) => {
    const { file, read } = await reading('0001_a.yaml', text)
    const error = await refusal(read)
    expect(error.code).toBe('migration_invalid')
    expect(error.message.split('\n')).toContain(
      error.message.startsWith(file) ? `${file}${problem}` : `- ${file}${problem}`,
    )
    expect(error.hint).toBe('docs/migrations.md shows the format of every operation.')
  })

  test('names all that is wrong, in the order of the file, for people and for machines', async () => {
    const { file, read } = await reading(
      'm.json',
      `{ "operations": [
  { "rename_column": { "form": "a", "table": "users", "to": "" } },
  { "vanish": {} },
  7
], "name": 1 }`,
    )
    const error = await refusal(read)
    expect(error.message).toBe(
      [
        '5 problems:',
        `- ${file}:2:24: operations[0].rename_column has no field "form"; did you mean "from"?`,
        `- ${file}:2:61: operations[0].rename_column.to: must not be empty`,
        `- ${file}:3:5: operations[1]: there is no operation "vanish"; ${DROPS}`,
        `- ${file}:4:3: operations[2]: expected record, received number`,
        `- ${file}:5:4: the file has no field "name"; there is operations`,
      ].join('\n'),
    )
    expect(error.facts).toMatchObject({
      problems: [{ line: 2, column: 24, message: expect.stringContaining('"form"') }, {}, {}, {}, {}],
    })
  })

  test('may say where its format is found', async () => {
    const { read } = await reading(
      'm.json',
      JSON_TEXT.replace('{', '{ "$schema": "./migration.schema.json",'),
    )
    expect((await read).operations).toEqual([DROP])
  })

  test('names the place in JSON, too', async () => {
    const { file, read } = await reading('a.json', '{"operations": [{"drop_column": {"table": "users"]}')
    const error = await refusal(read)
    expect(error.code).toBe('migration_invalid')
    expect(error.message).toMatch(/:1:50: [^\n]+$/)
    expect(error.message.startsWith(`${file}:`)).toBe(true)
  })

  test('names the place in TypeScript', async () => {
    const { file, read } = await reading('bad_syntax.ts', 'export default {\n  operations: [ ] ]\n}\n')
    const error = await refusal(read)
    expect(error.code).toBe('migration_invalid')
    expect(error.message).toContain(`${file}: ParseError: Unexpected token`)
    expect(error.message).toContain(`${file}:2:18`)
  })

  test.each<[string, string, string]>([
    ['throws.ts', 'throw new Error("boom")', 'boom'],
    ['throws_text.ts', 'throw "a text"', 'a text'],
    ['no_default.ts', 'export const operations = 1', 'operations: expected array, received number'],
    [
      'a_field.ts',
      'export default { operations: [{ drop_column: { table: "users", colum: "a" } }] }',
      'operations[0].drop_column has no field "colum"; did you mean "column"?',
    ],
    [
      'a_function.ts',
      'export default () => ({ operations: [] })',
      'the file: expected object, received function',
    ],
    ['missing.ts', 'import x from "./not_there.ts"\nexport default x', "Cannot find module './not_there.ts'"],
  ])('says what its program does wrong: %s', async (name, text, problem) => {
    const { file, read } = await reading(name, text)
    const error = await refusal(read)
    expect(error.code).toBe('migration_invalid')
    expect(error.message).toContain(`${file}: ${problem}`)
  })

  test.each(['yaml', 'json'])('says that it is not there: .%s', async (extension) => {
    const file = path.join(folderOf(), `gone.${extension}`)
    const error = await refusal(readMigration(file))
    expect([error.code, error.message]).toEqual([
      'migration_invalid',
      `${file}: ENOENT: no such file or directory, open '${file}'`,
    ])
  })
})

describe('a folder of migrations', () => {
  test('is read in the order of its names, with all that can be a migration', async () => {
    const folder = folderOf({
      '0010_c.yaml': YAML,
      '0002_b.json': JSON_TEXT,
      '0001_a.ts': MODULE,
      '0003_d.yml': YAML,
      '0004_e.mjs': MODULE,
    })
    expect((await readMigrations(folder)).map(({ name }) => name)).toEqual([
      '0001_a',
      '0002_b',
      '0003_d',
      '0004_e',
      '0010_c',
    ])
  })

  test('is read in the order of the names of migrations, whatever their extensions are', async () => {
    const folder = folderOf({ '0001_a-b.yaml': YAML, '0001_a.yaml': YAML, '0001_a b.yaml': YAML })
    expect((await readMigrations(folder)).map(({ name }) => name)).toEqual(['0001_a', '0001_a b', '0001_a-b'])
  })

  test('may hold other files, which are left alone', async () => {
    const folder = folderOf({
      '0001_a.yaml': YAML,
      '.hidden.yaml': 'nonsense: [',
      '.0001_a.yaml.swp': 'x',
      'README.md': '# x',
      'notes.txt': 'x',
      '0002_b.sql': 'drop table users',
      '0001_a.yaml.bak': 'x',
      yaml: 'x',
    })
    mkdirSync(path.join(folder, 'older'))
    writeFileSync(path.join(folder, 'older', '0000_z.yaml'), YAML)
    expect((await readMigrations(folder)).map(({ name }) => name)).toEqual(['0001_a'])
  })

  test('may be empty', async () => {
    expect(await readMigrations(folderOf())).toEqual([])
  })

  test('is refused for the first file that is', async () => {
    const folder = folderOf({ '0001_a.yaml': YAML, '0002_b.yaml': 'operations: []', '0003_c.yaml': 'x' })
    const error = await refusal(readMigrations(folder))
    expect(error.message).toBe(`${path.join(folder, '0002_b.yaml')}:1:13: operations: must not be empty`)
  })

  test('may not have two migrations of one name', async () => {
    const folder = folderOf({ '0001_a.yaml': YAML, '0001_a.json': JSON_TEXT, '0002_b.yaml': YAML })
    const error = await refusal(readMigrations(folder))
    expect([error.code, error.message]).toEqual([
      'migration_invalid',
      `Two files in "${folder}" are called "0001_a" but for their extension.`,
    ])
    expect(error.hint).toBe('Rename one of them: the name of the file is the name of the migration.')
  })

  test('that is not there is a matter of configuration', async () => {
    const folder = path.join(folderOf(), 'gone')
    const error = await refusal(readMigrations(folder))
    expect([error.code, error.message]).toEqual([
      'config_invalid',
      `The folder of migrations "${folder}" cannot be read.`,
    ])
    expect(error.hint).toBe('Make it with "bellows init", or name another one with --migrations.')
    expect(error.cause).toMatchObject({ code: 'ENOENT' })
  })

  test('is not a file', async () => {
    const file = path.join(folderOf({ 'a.yaml': YAML }), 'a.yaml')
    expect((await refusal(readMigrations(file))).code).toBe('config_invalid')
  })
})
