import type { Command } from 'commander'
import type { Migration } from '../../index.ts'
import { ALL, noteLatecomer, wantedMigration } from '../choose.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags } from '../flags.ts'
import { renderPlan } from '../render/plan.ts'
import { type DatabaseFlags, inSession, printJson, type Session } from '../session.ts'

interface PlanFlags extends DatabaseFlags {
  readonly all?: true
}

export function addPlan(program: Command): void {
  addDatabaseFlags(program.command('plan'))
    .description(
      'show every step of a migration: SQL, locks, cost, dangers, and the way back; changes nothing',
    )
    .argument('[migration]', 'name or file; default: the one under way, else the first that was not begun')
    .option('--all', ALL)
    .action((named: string | undefined, flags: PlanFlags) =>
      inSession('plan', flags, {}, async (session) => {
        const migration = await wantedMigration(session, named, flags.all)
        await noteLatecomer(session, migration)
        await showPlan(session, migration, flags)
        return EXIT.done
      }),
    )
}

/** A run that was begun executes the plan that it was begun with, so that one is shown. */
export async function showPlan(
  { bellows, terminal }: Session,
  migration: Migration,
  flags: DatabaseFlags,
): Promise<void> {
  const run = await bellows.run(migration.name)
  const plan = run?.plan ?? (await bellows.plan(migration))
  const isDone = run?.state === 'completed'
  const estimates = isDone ? [] : await bellows.estimate(plan)
  const room = isDone ? undefined : await bellows.room(plan)
  if (flags.json === true)
    printJson({ plan, estimates, ...(room === undefined ? {} : { room }), completed: isDone })
  else
    terminal.out(
      `${isDone ? completedText(migration) : ''}${renderPlan(plan, terminal, { estimates, room })}`,
    )
}

function completedText({ name }: Migration): string {
  return `"${name}" is completed: nothing is left to do. This is what was done.\n\n`
}
