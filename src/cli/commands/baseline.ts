import type { Command } from 'commander'
import {
  type BaselineReport,
  BellowsError,
  checksumOf,
  listMigrations,
  type MigrationFile,
  shortList,
} from '../../index.ts'
import { nameOf } from '../choose.ts'
import { agreed } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'
import { addBoundFlags, type BoundFlags, boundSettings } from '../flags.ts'
import { renderBaseline } from '../render/check.ts'
import { inSession, printJson } from '../session.ts'

interface BaselineFlags extends BoundFlags {
  readonly dryRun?: boolean
  readonly yes?: boolean
}

const NOTHING_RUNS = `
Nothing of the files is run or even read: their names are recorded, and the schema as it is. What sorts behind the named file
stays pending. Again: takes the schema of that moment as right, with all drift that "bellows check" names.
`

export function addBaseline(program: Command): void {
  addBoundFlags(program.command('baseline'))
    .description(
      'start on a database that is there: its migrations so far count as applied, its schema as right',
    )
    .argument('[migration]', 'name or file of the last one that is applied already; default: the last file')
    .option('--dry-run', 'show what would count as applied, and do nothing')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', NOTHING_RUNS)
    .action((named: string | undefined, flags: BaselineFlags) =>
      inSession('baseline', flags, boundSettings(flags), async ({ bellows, config, terminal }) => {
        const files = upTo(nameOf(named), await listMigrations(config.migrations), config.migrations)
        const checksums = await Promise.all(
          files.map(async ({ name, path }) => [name, await checksumOf(path)]),
        )
        const counted = Object.fromEntries(checksums) as Readonly<Record<string, string>>
        // What an outdated record says of drift is only known once it is up to date.
        if (flags.dryRun !== true && (await bellows.drift()).recorded === 'outdated') await bellows.install()
        const preview = await bellows.previewBaseline(counted)
        if (flags.dryRun !== true) {
          await agreed(question(preview), isNothingNew(preview) ? true : flags.yes)
          await bellows.change((database) => database.setBaseline(counted))
        }
        if (flags.json === true) printJson({ baseline: { ...preview, files: files.map(({ name }) => name) } })
        else
          terminal.out(
            renderBaseline(preview, { files: files.length, isDone: flags.dryRun !== true }, terminal),
          )
        return EXIT.done
      }),
    )
}

function upTo(
  last: string | undefined,
  files: readonly MigrationFile[],
  folder: string,
): readonly MigrationFile[] {
  if (last === undefined) return files
  const at = files.findIndex(({ name }) => name === last)
  if (at >= 0) return files.slice(0, at + 1)
  throw new BellowsError('run_not_found', `There is no migration "${last}" in "${folder}".`, {
    hint: `There is ${files.map(({ name }) => name).join(', ') || 'none yet'}.`,
  })
}

/** Whoever asks again for what holds already is not asked. */
function isNothingNew({ applied, pending, drift }: BaselineReport): boolean {
  return applied.length + pending.length + drift.differences.length + drift.reprinted.length === 0
}

function question({ applied, pending, drift }: BaselineReport): string {
  const taken = [...drift.differences, ...drift.reprinted]
  return [
    ...(applied.length === 0 ? [] : [`Without being run count as applied: ${applied.join(', ')}.`]),
    ...(pending.length === 0 ? [] : [`Pending again: ${pending.join(', ')}.`]),
    ...(taken.length === 0 ? [] : [`Taken as right though not as recorded: ${objects(taken)}.`]),
  ].join(' ')
}

function objects(differences: BaselineReport['drift']['differences']): string {
  return shortList(
    differences.map(({ kind, relation, name }) => [kind, relation, name].join(' ').trim()),
  ).join(', ')
}
