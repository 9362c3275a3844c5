import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { BellowsError } from '../../core/errors.ts'
import { hash } from '../../core/hash.ts'
import type { Migration } from '../../core/operations/migration.ts'
import { invalidFile } from './problem.ts'
import { readSource, readText } from './source.ts'

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

/** @throws BellowsError `migration_invalid` with everything that is wrong in the file, each with its place */
export async function readMigration(file: string): Promise<Migration> {
  const { content, locate } = await readSource(file)
  const { parseMigration } = await import('./migration-format.ts')
  const read = parseMigration(content)
  if (read.ok) return { name: nameOf(file), operations: read.operations }
  throw invalidFile(
    file,
    read.findings.map(({ path: at, which, message }) => ({ message, place: locate(at, which) })),
  )
}

/** The format of migration files as JSON Schema. */
export async function migrationSchema(): Promise<object> {
  const { jsonSchema } = await import('./json-schema.ts')
  return jsonSchema()
}

function nameOf(file: string): string {
  return path.basename(file, path.extname(file))
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
