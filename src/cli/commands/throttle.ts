import { type Command, InvalidArgumentError } from 'commander'
import { BellowsError, SHARE_MIN, type ThrottleRequest } from '../../index.ts'
import { chosenRun } from '../choose.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags, filled, time, wholeNumber } from '../flags.ts'
import { duration } from '../render/figures.ts'
import { throttleText } from '../render/throttle.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

interface ThrottleFlags extends DatabaseFlags {
  readonly share?: number
  readonly workers?: number
  readonly for?: number
  readonly reason?: string
}

const HELP = `
Whoever works on the run heeds it within a second, in this process or in another one. It holds until it is over or somebody asks for
something else: "bellows resume" lets it go on at full speed. The limits of the brake hold beside it. Of a rollout: bellows deploy pause.
`

/** What somebody asks of a backfill or a verification while it runs. */
export function addThrottle(program: Command): void {
  addRequest(program.command('throttle'), (flags) => {
    const { share, workers } = flags
    if (share === undefined && workers === undefined)
      throw new BellowsError('config_invalid', 'Say what it is to be held to.', {
        hint: 'Such as --share 0.3, or --workers 1. To pause it: bellows pause.',
      })
    return { ...(share === undefined ? {} : { share }), ...(workers === undefined ? {} : { workers }) }
  })
    .description('slow the backfill or the verification of a migration while it runs')
    .option('--share <share>', 'work in so much of the time, such as 0.3', share)
    .option('--workers <n>', 'so many batches side by side', wholeNumber)
  addRequest(program.command('pause'), () => ({ share: 0 })).description(
    'pause the backfill or the verification of a migration behind the batch that is under way',
  )
  addRequest(program.command('resume'), () => ({ share: 1 })).description(
    'let a backfill or a verification go on that was paused or slowed',
  )
}

function addRequest(command: Command, wish: (flags: ThrottleFlags) => ThrottleRequest): Command {
  return addDatabaseFlags(command)
    .argument('[migration]', 'name or file; default: the one under way')
    .option('--for <time>', 'for so long, such as 1h; default: until something else is asked for', time)
    .option('--reason <text>', 'why, for whoever looks at it: kept in the audit', filled)
    .addHelpText('after', HELP)
    .action((named: string | undefined, flags: ThrottleFlags) =>
      inSession(command.name(), flags, {}, async ({ bellows, terminal }) => {
        const request = {
          ...wish(flags),
          ...(flags.for === undefined ? {} : { forMs: flags.for }),
          ...(flags.reason === undefined ? {} : { reason: flags.reason }),
        }
        const run = await chosenRun(bellows, named)
        await bellows.throttle(run.id, request)
        const migration = run.plan.migration.name
        const { share = 1, workers, forMs } = request
        if (flags.json === true) printJson({ migration, asked: request })
        else
          terminal.out(
            `${migration} is to be ${throttleText({ share, ...(workers === undefined ? {} : { workers }) })}${forMs === undefined ? '' : `, for ${duration(forMs / 1_000)}`}.`,
          )
        return EXIT.done
      }),
    )
}

function share(text: string): number {
  const value = Number(text)
  if (value >= SHARE_MIN && value <= 1) return value
  throw new InvalidArgumentError(
    `It must be at least ${SHARE_MIN} and at most 1; to pause it: bellows pause.`,
  )
}
