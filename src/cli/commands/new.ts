import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Command } from 'commander'
import { BellowsError } from '../../index.ts'
import { readConfigFile } from '../config-file.ts'
import { EXIT } from '../exit-codes.ts'
import { reporting } from '../session.ts'
import { processTerminal } from '../terminal.ts'

interface NewFlags {
  readonly migrations?: string
  readonly rename?: string
  readonly add?: string
  readonly drop?: string
  readonly ts?: true
}

export function addNew(program: Command): void {
  program
    .command('new')
    .description('write the next migration file')
    .argument('<name>', 'what it does, such as rename_user_name')
    .option('-m, --migrations <folder>', 'folder of the migration files (default: migrations)')
    .option('--rename <table.column:new>', 'rename a column')
    .option('--add <table.column:type>', 'add a nullable column')
    .option('--drop <table.column>', 'drop a column')
    .option('--ts', 'in TypeScript rather than YAML')
    .action((name: string, flags: NewFlags) =>
      reporting({}, async () => {
        const folder = flags.migrations ?? (await readConfigFile(process.cwd())).migrations ?? 'migrations'
        await mkdir(folder, { recursive: true })
        const migration = `${await nextNumber(folder)}_${fileName(name)}`
        const [extension, text] =
          flags.ts === true ? ['ts', moduleText(flags)] : ['yaml', yamlText(flags, folder)]
        const file = path.join(folder, `${migration}.${extension}`)
        await writeFile(file, text, { flag: 'wx' })
        processTerminal.out(file)
        processTerminal.err(`Next: bellows plan ${migration}\n`)
        return EXIT.done
      }),
    )
}

/** One more than the highest number in the folder, with four digits. */
async function nextNumber(folder: string): Promise<string> {
  const numbers = (await readdir(folder)).map((file) => Number(/^(\d+)_/.exec(file)?.[1] ?? 0))
  return String(Math.max(0, ...numbers) + 1).padStart(4, '0')
}

function fileName(name: string): string {
  const plain = name
    .trim()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toLowerCase()
  if (plain !== '') return plain
  throw new BellowsError('name_invalid', `"${name}" has no letter or digit to make a file name of.`)
}

type Fields = Readonly<Record<string, string>>

function operationsOf({ rename, add, drop }: NewFlags): readonly Readonly<Record<string, Fields>>[] {
  const operations = [
    ...(rename === undefined ? [] : [{ rename_column: renameFields(rename) }]),
    ...(add === undefined ? [] : [{ add_column: addFields(add) }]),
    ...(drop === undefined ? [] : [{ drop_column: dropFields(drop) }]),
  ]
  return operations.length === 0 ? EXAMPLE : operations
}

const EXAMPLE = [{ rename_column: { table: 'users', from: 'name', to: 'full_name' } }]

const HINT = 'One or more operations; docs/migrations.md shows all of them.'

/** Where the package is installed, editors find the format by this line. */
function yamlText(flags: NewFlags, folder: string): string {
  const schema = path.relative(folder, path.join('node_modules', 'bellows', 'migration.schema.json'))
  const isThere = existsSync(path.join(folder, schema))
  const operations = operationsOf(flags)
  return [
    ...(isThere ? [`# yaml-language-server: $schema=${schema.replaceAll(path.sep, '/')}`] : []),
    ...(operations === EXAMPLE ? [`# ${HINT}`] : []),
    'operations:',
    ...operations.flatMap((operation) =>
      Object.entries(operation).flatMap(([kind, fields]) => [
        `  - ${kind}:`,
        ...Object.entries(fields).map(([field, text]) => `      ${field}: ${quoted(text)}`),
      ]),
    ),
    '',
  ].join('\n')
}

function moduleText(flags: NewFlags): string {
  const operations = operationsOf(flags)
  return [
    `import { defineMigration } from 'bellows'`,
    '',
    ...(operations === EXAMPLE ? [`// ${HINT}`] : []),
    'export default defineMigration({',
    '  operations: [',
    ...operations.flatMap((operation) =>
      Object.entries(operation).map(([kind, fields]) => {
        const inner = Object.entries(fields).map(([field, text]) => `${field}: ${JSON.stringify(text)}`)
        return `    { ${kind}: { ${inner.join(', ')} } },`
      }),
    ),
    '  ],',
    '})',
    '',
  ].join('\n')
}

function renameFields(text: string): Fields {
  const [, table = '', from = '', to = ''] = parts(text, /^(.+)\.([^.:]+):(.+)$/, 'users.name:full_name')
  return { table, from, to }
}

function addFields(text: string): Fields {
  const [, table = '', column = '', type = ''] = parts(text, /^(.+)\.([^.:]+):(.+)$/, 'users.age:integer')
  return { table, column, type }
}

function dropFields(text: string): Fields {
  const [, table = '', column = ''] = parts(text, /^(.+)\.([^.:]+)$/, 'users.legacy')
  return { table, column }
}

function parts(text: string, pattern: RegExp, example: string): RegExpExecArray {
  const found = pattern.exec(text)
  if (found !== null) return found
  throw new BellowsError('config_invalid', `"${text}" cannot be read.`, { hint: `Write it like ${example}` })
}

/** A plain YAML word where it is one, a quoted string otherwise. */
function quoted(text: string): string {
  const isPlain =
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && !/^(null|true|false|yes|no|on|off|y|n)$/i.test(text)
  return isPlain ? text : JSON.stringify(text)
}
