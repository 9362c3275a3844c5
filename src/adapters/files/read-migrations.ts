import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { BellowsError, messageOf } from '../../core/errors.ts'
import { hash } from '../../core/hash.ts'
import type { Migration, Operation } from '../../core/operations/migration.ts'

const EXTENSIONS = new Set(['.yaml', '.yml', '.json', '.ts', '.mts', '.js', '.mjs'])

/** A file that holds a migration, by the name that the migration gets from it. */
export interface MigrationFile {
  readonly name: string
  readonly path: string
}

/**
 * Reads the migrations of a folder, in the order of their names.
 * @throws BellowsError `migration_invalid` with the file and the place in it
 */
export async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const migrations: Migration[] = []
  for (const file of await listMigrations(folder)) migrations.push(await readMigration(file.path))
  return migrations
}

/** The migration files of a folder, in the order of their names; none is opened. */
export async function listMigrations(folder: string): Promise<readonly MigrationFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new BellowsError('config_invalid', `The folder of migrations "${folder}" cannot be read.`, {
      cause: error,
      hint: 'Make it with "bellows init", or name another one with --migrations.',
    })
  })
  const files = names
    .filter((name) => EXTENSIONS.has(path.extname(name)) && !name.startsWith('.'))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .map((file) => ({ name: nameOf(file), path: path.join(folder, file) }))
  refuseTwins(files, folder)
  return files
}

/** SHA-256 of the text of a file. How its lines end is no part of it: git may change that. */
export async function checksumOf(file: string): Promise<string> {
  return hash((await readText(file)).replaceAll('\r\n', '\n'))
}

export async function readMigration(file: string): Promise<Migration> {
  const content = await load(file)
  const { migrationFormat, OPERATION_FORMATS } = await import('./migration-format.ts')
  const parsed = migrationFormat.safeParse(content)
  if (!parsed.success) throw invalid(file, firstProblem(parsed.error.issues))
  const operations = parsed.data.operations.map((entry, at) => {
    const [kind = '', ...more] = Object.keys(entry)
    const format = Object.hasOwn(OPERATION_FORMATS, kind)
      ? OPERATION_FORMATS[kind as Operation['kind']]
      : undefined
    if (format === undefined || more.length > 0) {
      const known = Object.keys(OPERATION_FORMATS).join(', ')
      throw invalid(file, `operations[${at}]: an operation is an object with one key, one of ${known}`)
    }
    const operation = format.safeParse(entry[kind])
    if (!operation.success)
      throw invalid(file, firstProblem(operation.error.issues, `operations[${at}].${kind}`))
    return { kind, ...operation.data } as Operation
  })
  return { name: nameOf(file), operations }
}

function nameOf(file: string): string {
  return path.basename(file, path.extname(file))
}

async function load(file: string): Promise<unknown> {
  const extension = path.extname(file)
  if (extension === '.yaml' || extension === '.yml' || extension === '.json') {
    const { parseDocument } = await import('yaml')
    // JSON is YAML, and this parser says where a mistake is.
    const document = parseDocument(await readText(file))
    const [problem] = document.errors
    if (problem !== undefined) throw invalid(file, problem.message)
    try {
      return document.toJS()
    } catch (error) {
      // An alias without its anchor is found only now.
      throw invalid(file, messageOf(error))
    }
  }
  const { createJiti } = await import('jiti')
  try {
    return await createJiti(import.meta.url).import(path.resolve(file), { default: true })
  } catch (error) {
    throw invalid(file, messageOf(error))
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw invalid(file, messageOf(error))
  }
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

function firstProblem(issues: readonly Issue[], prefix = ''): string {
  const [issue] = issues
  const place = [prefix, ...(issue?.path ?? []).map(String)].filter((part) => part !== '').join('.')
  return place === '' ? (issue?.message ?? 'is not valid') : `${place}: ${issue?.message}`
}

function invalid(file: string, problem: string): BellowsError {
  return new BellowsError('migration_invalid', `${file}: ${problem}`, {
    hint: 'docs/migrations.md shows the format of every operation.',
  })
}

function refuseTwins(files: readonly MigrationFile[], folder: string): void {
  const names = files.map(({ name }) => name)
  const twin = names.find((name, at) => names.indexOf(name) !== at)
  if (twin === undefined) return
  throw new BellowsError(
    'migration_invalid',
    `Two files in "${folder}" are called "${twin}" but for their extension.`,
    {
      hint: 'Rename one of them: the name of the file is the name of the migration.',
    },
  )
}
