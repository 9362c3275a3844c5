import type { Command } from 'commander'
import { chosenMigration, noteLatecomer } from '../choose.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags } from '../flags.ts'
import { renderPlan } from '../render/plan.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

export function addPlan(program: Command): void {
  addDatabaseFlags(program.command('plan'))
    .description(
      'show every step of a migration: SQL, locks, cost, dangers, and the way back; changes nothing',
    )
    .argument('[migration]', 'name or file; default: the one under way, else the first that was not begun')
    .action((named: string | undefined, flags: DatabaseFlags) =>
      inSession('plan', flags, {}, async (session) => {
        const { bellows, config, terminal } = session
        const migration = await chosenMigration(bellows, config.migrations, named)
        // A run that was begun executes the plan that it was begun with, so that one is shown.
        const plan = (await bellows.run(migration.name))?.plan ?? (await bellows.plan(migration))
        await noteLatecomer(session, migration)
        if (flags.json === true) printJson({ plan })
        else terminal.out(renderPlan(plan, terminal))
        return EXIT.done
      }),
    )
}
