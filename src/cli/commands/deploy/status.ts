import type { Command } from 'commander'
import {
  type FleetInstance,
  type InstanceLine,
  instanceLines,
  type Rollout,
  type WorkloadRollout,
} from '../../../index.ts'
import { deployedRun } from '../../choose.ts'
import { EXIT } from '../../exit-codes.ts'
import { addDatabaseFlags } from '../../flags.ts'
import { duration } from '../../render/figures.ts'
import { workloadFacts, workloadLines } from '../../render/workloads.ts'
import { type DatabaseFlags, inSession, printJson, type Session } from '../../session.ts'

export function addRolloutStatus(deploy: Command): void {
  addDatabaseFlags(deploy.command('status'))
    .description('where the rollout of a migration stands, and what runs')
    .argument('[migration]', 'name; default: the one whose rollout is not over, else the one under way')
    .action((named: string | undefined, flags: DatabaseFlags) =>
      inSession('deploy', flags, {}, async (session) => {
        const { bellows, terminal } = session
        const run = await deployedRun(bellows, named)
        const migration = run.plan.migration.name
        const rollout = await bellows.rollout(run.id)
        if (rollout === undefined) {
          if (flags.json === true) printJson({ migration, rollout: null })
          else terminal.out(`${migration}: nothing was rolled out for it yet.`)
          return EXIT.done
        }
        const { facts, lines } = await shown(session, rollout)
        if (flags.json === true) printJson({ migration, rollout: summary(rollout), ...facts })
        else terminal.out([headline(migration, rollout), ...lines, ...nextOf(migration, rollout)].join('\n'))
        return EXIT.done
      }),
    )
}

/** What runs at this moment, for machines and for people. */
async function shown(session: Session, rollout: Rollout | WorkloadRollout) {
  if ('workloads' in rollout) {
    const inventory = await session.bellows.inventory()
    return { facts: workloadFacts(inventory), lines: workloadLines(inventory) }
  }
  const instances = instanceLines(rollout, await fleetOf(session))
  return { facts: { instances }, lines: instances.map(row) }
}

/** Without an answer of the deployer what the journal knows is shown. */
async function fleetOf({ deployment, terminal }: Session): Promise<readonly FleetInstance[]> {
  try {
    return deployment?.by === 'instances' ? await deployment.deployer.fleet() : []
  } catch (error) {
    terminal.err(`The fleet cannot be seen: ${error instanceof Error ? error.message : String(error)}\n`)
    return []
  }
}

function summary({ version, direction, outcome, paused, endedBecause }: Rollout | WorkloadRollout) {
  const because = endedBecause ?? paused?.because
  return {
    version,
    direction,
    outcome: outcome ?? (paused === undefined ? 'under way' : 'paused'),
    ...(because === undefined ? {} : { because }),
  }
}

/** `0002_rename: the rollout of "2" is paused: …` */
export function headline(migration: string, rollout: Rollout | WorkloadRollout): string {
  const { outcome, because, version, direction } = summary(rollout)
  const where =
    direction === 'back' && outcome === 'under way' ? 'being taken back' : outcome.replace('_', ' ')
  return `${migration}: the rollout of "${version}" is ${where}${because === undefined ? '' : `: ${because}`}`
}

function nextOf(migration: string, { outcome, paused }: Rollout | WorkloadRollout): readonly string[] {
  if (outcome !== undefined || paused === undefined) return []
  return [`next: bellows deploy resume ${migration}, or take it back: bellows deploy abort ${migration}`]
}

function row({ id, version, state, inStateMs, inFlight, error }: InstanceLine): string {
  const since = inStateMs === undefined ? '' : ` for ${duration(inStateMs / 1000)}`
  const requests = inFlight === undefined || inFlight === 0 ? '' : `, ${inFlight} requests`
  return `  ${id.padEnd(ID_WIDTH)} ${version.padEnd(VERSION_WIDTH)} ${state}${since}${requests}${error === undefined ? '' : `  ${error}`}`
}

const ID_WIDTH = 20
const VERSION_WIDTH = 10
