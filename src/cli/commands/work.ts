import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags, boundSettings, wholeNumber } from '../flags.ts'
import { grouped } from '../render/figures.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

interface WorkFlags extends DatabaseFlags {
  readonly workers?: number
  readonly batchSize?: number
  readonly once?: boolean
}

const HELP = `
Start as many as the database can bear, on whatever machine; end them as you like: a batch that one did not live to end is done by another.
They rest while the backfill was stopped, and go on without its driver where that has died.
`

export function addWork(program: Command): void {
  addDatabaseFlags(program.command('work'))
    .description(
      'help with the backfill that is under way on this database, and then with the next, until Ctrl-C',
    )
    .option('--once', 'end as soon as nothing is to be filled')
    .option('--workers <n>', 'batches that run side by side', wholeNumber)
    .option(
      '--batch-size <rows>',
      'rows of one batch, about; as many as its time allows when not given',
      wholeNumber,
    )
    .addHelpText('after', HELP)
    .action((flags: WorkFlags) =>
      inSession('work', flags, boundSettings(flags), async ({ bellows, terminal }) => {
        const { rows, steps } = await bellows.work({ once: flags.once === true })
        if (flags.json === true) printJson({ rows, steps })
        else if (steps.length === 0) terminal.out('Nothing was to be filled.')
        else terminal.out(`Filled ${grouped(rows)} rows for ${steps.join(', ')}.`)
        return EXIT.done
      }),
    )
}
