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
    .action((name: string, flags: NewFlags) =>
      reporting({}, async () => {
        const folder = flags.migrations ?? (await readConfigFile(process.cwd())).migrations ?? 'migrations'
        await mkdir(folder, { recursive: true })
        const file = path.join(folder, `${await nextNumber(folder)}_${fileName(name)}.yaml`)
        await writeFile(file, content(flags), { flag: 'wx' })
        processTerminal.out(file)
        processTerminal.err(`Next: bellows plan ${path.basename(file, '.yaml')}\n`)
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

function content({ rename, add, drop }: NewFlags): string {
  const operations = [
    ...(rename === undefined ? [] : [renameText(rename)]),
    ...(add === undefined ? [] : [addText(add)]),
    ...(drop === undefined ? [] : [dropText(drop)]),
  ]
  return operations.length === 0 ? TEMPLATE : `operations:\n${operations.join('')}`
}

const TEMPLATE = `# One or more operations; docs/migrations.md shows all of them.
operations:
  - rename_column:
      table: users
      from: name
      to: full_name
`

function renameText(text: string): string {
  const [, table, from, to] = parts(text, /^(.+)\.([^.:]+):(.+)$/, 'users.name:full_name')
  return `  - rename_column:\n      table: ${quoted(table)}\n      from: ${quoted(from)}\n      to: ${quoted(to)}\n`
}

function addText(text: string): string {
  const [, table, column, type] = parts(text, /^(.+)\.([^.:]+):(.+)$/, 'users.age:integer')
  return `  - add_column:\n      table: ${quoted(table)}\n      column: ${quoted(column)}\n      type: ${quoted(type)}\n`
}

function dropText(text: string): string {
  const [, table, column] = parts(text, /^(.+)\.([^.:]+)$/, 'users.legacy')
  return `  - drop_column:\n      table: ${quoted(table)}\n      column: ${quoted(column)}\n`
}

function parts(text: string, pattern: RegExp, example: string): RegExpExecArray {
  const found = pattern.exec(text)
  if (found !== null) return found
  throw new BellowsError('config_invalid', `"${text}" cannot be read.`, { hint: `Write it like ${example}` })
}

/** A plain YAML word where it is one, a quoted string otherwise. */
function quoted(text: string | undefined): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text ?? '') &&
    !/^(null|true|false|yes|no|on|off|y|n)$/i.test(text ?? '')
    ? (text ?? '')
    : JSON.stringify(text)
}
