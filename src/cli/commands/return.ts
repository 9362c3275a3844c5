import type { Command } from 'commander'
import { chosenRun } from '../choose.ts'
import { agreed } from '../confirm.ts'
import { addBoundFlags, type BoundFlags, boundSettings } from '../flags.ts'
import { inSession } from '../session.ts'
import { reportRun } from './advance.ts'

interface RollbackFlags extends BoundFlags {
  readonly yes?: boolean
}

export function addUndo(program: Command): void {
  addBoundFlags(program.command('undo'))
    .description('bring a hidden old shape back, at once and with all values; possible until it is dropped')
    .argument('[migration]', 'name; default: the one under way')
    .action((named: string | undefined, flags: BoundFlags) =>
      inSession('undo', flags, boundSettings(flags), async (session) => {
        const { id } = await chosenRun(session.bellows, named)
        return await reportRun(session, await session.bellows.change((database) => database.undo(id)), flags)
      }),
    )
}

export function addRollback(program: Command): void {
  addBoundFlags(program.command('rollback'))
    .description('take a migration back to the start, from anywhere before the old shape is dropped')
    .argument('[migration]', 'name; default: the one under way')
    .option('-y, --yes', 'do not ask')
    .action((named: string | undefined, flags: RollbackFlags) =>
      inSession('rollback', flags, boundSettings(flags), async (session) => {
        const { id, plan } = await chosenRun(session.bellows, named)
        await agreed(
          `Rolling back "${plan.migration.name}" takes away what it has added, with what was written there alone.`,
          flags.yes,
        )
        return await reportRun(
          session,
          await session.bellows.change((database) => database.rollback(id)),
          flags,
        )
      }),
    )
}
