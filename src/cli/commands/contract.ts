import type { Command } from 'commander'
import type { SettingsChange } from '../../config.ts'
import { BellowsError, type Run } from '../../index.ts'
import { chosenMigration } from '../choose.ts'
import { confirmed } from '../confirm.ts'
import { addEvidenceFlags, addStayingFlag, type EvidenceFlags, evidenceSettings } from '../evidence-flags.ts'
import { addBoundFlags, type BoundFlags, boundSettings, time } from '../flags.ts'
import { inSession, type Session } from '../session.ts'
import { reportRun } from './advance.ts'

interface ContractFlags extends BoundFlags, EvidenceFlags {
  readonly confirm?: string
  readonly grace?: number
  readonly reap?: true
}

export function addContract(program: Command): void {
  addStayingFlag(addEvidenceFlags(addBoundFlags(program.command('contract'))))
    .description(
      'remove the old shape: verify, wait at the gate until nobody needs it, hide it, and drop it after the grace',
    )
    .argument('[migration]', 'name or file; default: the one under way')
    .option('--confirm <database>', 'name of the database, as a confirmation: dropping cannot be taken back')
    .option(
      '--grace <time>',
      'keep the hidden shape for so long, to undo; contract again drops it (default: 0)',
      time,
    )
    .option('--reap', REAP)
    .action((named: string | undefined, flags: ContractFlags) =>
      inSession('contract', flags, contractSettings(flags), async (session) => {
        const migration = await chosenMigration(session.bellows, session.config.migrations, named)
        // What is about to be dropped is what the plan said, so the file must not say something else by now.
        if ((await session.bellows.run(migration.name)) !== undefined) await session.bellows.plan(migration)
        const question = `The contract of "${migration.name}" drops the old shape; after that there is no way back.`
        await confirmed(question, await session.bellows.name(), flags.confirm)
        return await reportRun(session, await contracted(session, migration.name, flags), flags)
      }),
    )
}

export const REAP = 'let "bellows reap" drop it after the grace, without asking again'

export function contractSettings(flags: Omit<ContractFlags, 'confirm' | 'reap'>): SettingsChange {
  const { grace } = flags
  return {
    ...boundSettings(flags),
    ...evidenceSettings(flags),
    ...(grace === undefined ? {} : { graceMs: grace }),
  }
}

/** `refuse`: why there shall be no contract after all, asked while nobody else can drive. */
type Contracting = Pick<ContractFlags, 'reap' | 'grace'> & { readonly refuse?: () => Promise<void> }

/** Removes the old shape, or hides it and lets `reap` drop it later. */
export async function contracted(session: Session, name: string, flags: Contracting): Promise<Run> {
  const run = await hiddenOrDropped(session, name, flags)
  const isLeftToReap = flags.reap === true && run.retiredAt !== undefined && run.state !== 'completed'
  return isLeftToReap ? await session.bellows.schedulePurge(run.id, flags.grace ?? 0) : run
}

/** Hiding the old shape and keeping it for its grace is a success; asking for the drop too early is not. */
async function hiddenOrDropped(session: Session, name: string, { reap, refuse }: Contracting): Promise<Run> {
  const { bellows, config, terminal } = session
  const before = await bellows.run(name)
  try {
    return await bellows.change(async (database) => {
      await refuse?.()
      const run =
        (await database.run(name)) ??
        (await database.advance(await chosenMigration(bellows, config.migrations, name), 'expand'))
      return await database.resume(run.id, 'purge')
    })
  } catch (error) {
    const after = await bellows.run(name)
    const isKept = error instanceof BellowsError && 'grace_left_ms' in error.facts
    if (!isKept || after === undefined || (before?.retiredAt !== undefined && reap !== true)) throw error
    terminal.err(`${error.message} ${error.hint ?? ''}\n`)
    return after
  }
}
