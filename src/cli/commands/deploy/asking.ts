import type { Command } from 'commander'
import { BellowsError, type Run } from '../../../index.ts'
import { deployedRun } from '../../choose.ts'
import { EXIT } from '../../exit-codes.ts'
import { addDatabaseFlags } from '../../flags.ts'
import { type DatabaseFlags, inSession, printJson, type Session } from '../../session.ts'
import { resumed } from './rolling.ts'

const REQUESTS = [
  ['pause', 'finish the batch that is under way, and then stand still; a workload is left as it is'],
  ['resume', 'go on with a rollout that stands still, or whose driver is gone'],
  ['abort', 'take the rollout back: what ran before serves again'],
] as const

type Request = (typeof REQUESTS)[number][0]

/** What somebody asks of a rollout that is under way, here or elsewhere. */
export function addAsking(deploy: Command): void {
  for (const [request, description] of REQUESTS) {
    addDatabaseFlags(deploy.command(request))
      .description(description)
      .argument('[migration]', 'name; default: the one whose rollout is not over, else the one under way')
      .action((named: string | undefined, flags: DatabaseFlags) =>
        inSession('deploy', flags, {}, async (session) => {
          const run = await deployedRun(session.bellows, named)
          await session.bellows.askRollout(run.id, request)
          return await heard(session, run, request, flags)
        }),
      )
  }
}

/** Whoever drives the rollout hears it; where nobody does, this process goes on with it. */
async function heard(session: Session, run: Run, request: Request, { json }: DatabaseFlags): Promise<number> {
  const { bellows, terminal } = session
  const holder = await bellows.driver()
  const migration = run.plan.migration.name
  if (holder !== undefined || request === 'pause') {
    const by = holder?.who ?? 'whoever drives it next'
    if (json === true) printJson({ migration, asked: request, of: by })
    else terminal.out(`Asked ${by} to ${request} the rollout of ${migration}.`)
    return EXIT.done
  }
  try {
    await resumed(session, run)
  } catch (error) {
    if (!isWhatWasAsked(error, request)) throw error
  }
  const rollout = await bellows.rollout(run.id)
  const outcome = rollout?.outcome ?? 'paused'
  if (json === true) printJson({ migration, rollout: { version: rollout?.version, outcome } })
  else terminal.out(`The rollout of "${rollout?.version}" for ${migration} is ${outcome.replace('_', ' ')}.`)
  return EXIT.done
}

/** To be taken back is a failure to whoever deploys, and not to whoever asked for it. */
function isWhatWasAsked(error: unknown, request: Request): boolean {
  return error instanceof BellowsError && request === 'abort' && error.code === 'rollout_failed'
}
