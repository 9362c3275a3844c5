import type { Command } from 'commander'
import { BellowsError } from '../../index.ts'
import { chosenRun } from '../choose.ts'
import { confirmed } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags, time } from '../flags.ts'
import { duration } from '../render/figures.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

interface BrownoutFlags extends DatabaseFlags {
  readonly for?: number
  readonly stop?: true
  readonly confirm?: string
}

const TIME_MAX_MS = 3_600_000

export function addBrownout(program: Command): void {
  addDatabaseFlags(program.command('brownout'))
    .description(
      'let every write of the old column, or use of the old view, fail for a while, as a trial of the contract; it ends by itself',
    )
    .argument('[migration]', 'name; default: the one under way')
    .option('--for <time>', 'how long, at most 1h', time)
    .option('--stop', 'end it now')
    .option(
      '--confirm <database>',
      'name of the database, as a confirmation: clients that write the old column, or use the old view, get errors',
    )
    .action((named: string | undefined, flags: BrownoutFlags) =>
      inSession('brownout', flags, {}, async ({ bellows, terminal }) => {
        const run = await chosenRun(bellows, named)
        const { name } = run.plan.migration
        const ms = trialMs(flags)
        if (ms > 0)
          await confirmed(
            `For ${duration(ms / 1000)} every client that writes an old column or uses an old view of "${name}" gets an error.`,
            await bellows.name(),
            flags.confirm,
          )
        await bellows.change((driver) => driver.brownOut(run.id, ms))
        if (flags.json === true) printJson({ migration: name, brownout_ms: ms })
        else if (ms === 0) terminal.out(`The trial of ${name} is over.`)
        else
          terminal.out(
            `For ${duration(ms / 1000)} nobody can write the old columns or use the old views. End it: bellows brownout ${name} --stop\nnext: bellows gate ${name}`,
          )
        return EXIT.done
      }),
    )
}

function trialMs({ for: ms, stop }: BrownoutFlags): number {
  if (stop === true) return 0
  if (ms !== undefined && ms > 0 && ms <= TIME_MAX_MS) return ms
  const problem =
    ms === undefined
      ? 'It is not said how long the trial is to be.'
      : `A trial cannot be that long: ${ms / 1000} s.`
  throw new BellowsError('config_invalid', problem, {
    hint: 'Say how long: --for 5min, at most 1h; or end one: --stop',
  })
}
