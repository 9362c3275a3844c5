import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import {
  BellowsError,
  checkFiles,
  checksumOf,
  type History,
  listMigrations,
  namesOf,
  readMigration,
  type SeenFile,
} from '../../index.ts'
import { historyOf } from '../choose.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags } from '../flags.ts'
import { renderCheck } from '../render/check.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

export function addCheck(program: Command): void {
  addDatabaseFlags(program.command('check'))
    .description(
      'hold the migration files against the history, and the schema against the record; exit with 4 when they differ',
    )
    .action((flags: DatabaseFlags) =>
      inSession('check', flags, {}, async ({ bellows, config, terminal }) => {
        const history = await historyOf(bellows)
        const files = checkFiles(await seenFiles(config.migrations, history), history)
        const schema = await bellows.drift()
        if (flags.json === true) printJson({ files, schema })
        else terminal.out(renderCheck({ files, schema, folder: config.migrations }, terminal))
        const isDrift = schema.differences.length > 0 || files.some(({ kind }) => kind !== 'next')
        return isDrift ? EXIT.differs : EXIT.done
      }),
    )
}

/** Only files of runs are opened: one of the baseline may be written for another tool. */
async function seenFiles(folder: string, { runs }: History): Promise<readonly SeenFile[]> {
  if (!existsSync(folder)) return []
  const ran = new Set(runs.flatMap(({ plan }) => namesOf(plan.migration)))
  const files = await listMigrations(folder)
  return await Promise.all(
    files.map(async ({ name, path }) => ({
      name,
      checksum: await checksumOf(path),
      ...(ran.has(name) ? { content: await contentOf(path) } : {}),
    })),
  )
}

async function contentOf(path: string): Promise<NonNullable<SeenFile['content']>> {
  try {
    return await readMigration(path)
  } catch (error) {
    if (error instanceof BellowsError && error.code === 'migration_invalid') return { problem: error.message }
    throw error
  }
}
