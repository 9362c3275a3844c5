import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { type Bellows, type History, listMigrations, type RunState } from '../../index.ts'
import { historyOf } from '../choose.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags } from '../flags.ts'
import { fillingText, migrationStatuses, renderStatus, type Works } from '../render/status.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

interface StatusFlags extends DatabaseFlags {
  readonly exitCode?: boolean
}

export function addStatus(program: Command): void {
  addDatabaseFlags(program.command('status'))
    .description('where each migration stands, why it stands still, and which command is next')
    .option('--exit-code', 'exit with 2 when a migration is pending or under way')
    .action((flags: StatusFlags) =>
      inSession('status', flags, {}, async ({ bellows, config, terminal }) => {
        const files = existsSync(config.migrations) ? await listMigrations(config.migrations) : []
        const versions = await bellows.versions()
        const history = await historyOf(bellows)
        const statuses = migrationStatuses(files, history, versions, await workOf(bellows, history))
        const driver = await bellows.driver()
        const filling = await bellows.filling()
        if (flags.json === true) {
          printJson({
            migrations: statuses,
            versions: versions.map(({ version, name, shape }) => ({ version, name, shape })),
            driver: driver?.who,
            filling,
          })
        } else {
          terminal.out(renderStatus(statuses, terminal))
          if (filling !== undefined) terminal.out(`\n${fillingText(filling)}`)
          if (driver !== undefined) terminal.out(`\n${driver.who} is changing this database.`)
        }
        const isUnfinished = statuses.some(({ state }) => state !== 'completed' && state !== 'baseline')
        return flags.exitCode === true && isUnfinished ? EXIT.pending : EXIT.done
      }),
    )
}

const BEFORE_GATE: readonly RunState[] = ['planned', 'expanding', 'backfilling', 'verifying']

/** Behind the gate nothing is held back, and nothing leaves rows out. */
async function workOf(bellows: Bellows, { runs }: History): Promise<Works> {
  const working = runs.filter(({ state }) => BEFORE_GATE.includes(state))
  return new Map(
    await Promise.all(
      working.map(
        async ({ id }) =>
          [
            id,
            {
              progress: await bellows.progress(id),
              brake: await bellows.brake(id),
              quarantine: await bellows.quarantine(id),
            },
          ] as const,
      ),
    ),
  )
}
