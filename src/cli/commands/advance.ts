import type { Command } from 'commander'
import type { Phase, Run } from '../../index.ts'
import { ALL, wantedMigration } from '../choose.ts'
import { EXIT } from '../exit-codes.ts'
import { addBoundFlags, type BoundFlags, boundSettings } from '../flags.ts'
import { renderStatus, runStatus } from '../render/status.ts'
import { inSession, printJson, type Session } from '../session.ts'
import { showPlan } from './plan.ts'

/** The commands that take a migration to the end of a phase and cannot lose anything. */
const COMMANDS: readonly { readonly phase: Phase; readonly description: string }[] = [
  {
    phase: 'expand',
    description:
      'put the new shape beside the old one and keep both in step; both versions of the application work',
  },
  {
    phase: 'backfill',
    description: 'fill the new shape for the rows that are there, in small batches; goes on where it stopped',
  },
  {
    phase: 'verify',
    description:
      'compare all rows, and give the new column the indexes and rules of the old one; then new instances may use it',
  },
]

interface AdvanceFlags extends BoundFlags {
  readonly dryRun?: boolean
  readonly all?: true
}

export function addAdvances(program: Command): void {
  for (const { phase, description } of COMMANDS) {
    addBoundFlags(program.command(phase))
      .description(description)
      .argument('[migration]', 'name or file; default: the one under way, else the first that was not begun')
      .option('--all', ALL)
      .option('--dry-run', 'show the plan and do nothing')
      .action((named: string | undefined, flags: AdvanceFlags) =>
        inSession(phase, flags, boundSettings(flags), async (session) => {
          const migration = await wantedMigration(session, named, flags.all)
          if (flags.dryRun === true) {
            await showPlan(session, migration, flags)
            return EXIT.done
          }
          const run = await session.bellows.change((database) => database.advance(migration, phase))
          return await reportRun(session, run, flags)
        }),
      )
  }
}

/** Says where the run stands now and which command comes next. */
export async function reportRun(
  { bellows, terminal }: Session,
  run: Run,
  flags: { readonly json?: boolean },
): Promise<number> {
  const statuses = [runStatus(run, await bellows.versions())]
  if (flags.json === true) printJson({ migrations: statuses })
  else terminal.out(renderStatus(statuses, terminal))
  return EXIT.done
}
