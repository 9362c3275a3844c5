import type { GateReport, Plan, Run } from '../../../index.ts'
import { deployedMigration } from '../../choose.ts'
import { deploymentNeeded, wishOf } from '../../deployment.ts'
import { EXIT } from '../../exit-codes.ts'
import { renderGates } from '../../render/gate.ts'
import { printJson, type Session } from '../../session.ts'
import { rolloutPreview } from './rolling.ts'
import { headline } from './status.ts'

interface DryRunFlags {
  readonly to: string
  readonly contract?: boolean
  readonly json?: boolean
}

/** What a deployment would do, in the order in which it would. */
interface Prospect {
  readonly migration: string
  readonly version: string
  /** Steps of the migration that are still to be done, by phase. */
  readonly ahead: readonly PhaseAhead[]
  readonly rollout: readonly string[]
  /** What the gate says now; absent before there is a run, or when there will be no contract. */
  readonly gates?: readonly GateReport[]
}

interface PhaseAhead {
  readonly phase: Plan['steps'][number]['phase']
  readonly steps: readonly { readonly id: string; readonly does: string }[]
}

/**
 * Nothing is begun, asked of the deployer, or closed.
 * @throws BellowsError what the deployment would be refused for
 */
export async function shown(
  session: Session,
  named: string | undefined,
  flags: DryRunFlags,
): Promise<number> {
  const { bellows, config, terminal } = session
  const deployment = deploymentNeeded(session.deployment)
  const migration = await deployedMigration(bellows, config.migrations, { named, version: flags.to })
  await bellows.refuseDeployment(migration, wishOf(deployment, flags.to))
  const run = await bellows.run(migration.name)
  const prospect: Prospect = {
    migration: migration.name,
    version: flags.to,
    ahead: phasesAhead(run?.plan ?? (await bellows.plan(migration)), run, flags.contract !== false),
    rollout: await rolloutAhead(session, { run, version: flags.to }),
    ...(run === undefined || flags.contract === false ? {} : { gates: await bellows.gates(run) }),
  }
  if (flags.json === true) printJson({ dryRun: prospect })
  else terminal.out(rendered(prospect, session))
  return EXIT.done
}

const CONTRACT: readonly PhaseAhead['phase'][] = ['retire', 'purge']

/** The gate, which is all of the phase `rollout`, is told by its checks. */
function phasesAhead(plan: Plan, run: Run | undefined, withContract: boolean): readonly PhaseAhead[] {
  const left = plan.steps.filter(
    ({ id, phase, kind }) =>
      run?.done.has(id) !== true && kind !== 'gate' && (withContract || !CONTRACT.includes(phase)),
  )
  return [...new Set(left.map(({ phase }) => phase))].map((phase) => ({
    phase,
    steps: left.filter((step) => step.phase === phase).map(({ id, does }) => ({ id, does })),
  }))
}

/** A rollout that is not over can only be this one, or it would have been refused. */
async function rolloutAhead(
  session: Session,
  { run, version }: { readonly run: Run | undefined; readonly version: string },
): Promise<readonly string[]> {
  const begun = run === undefined ? undefined : await session.bellows.rollout(run.id)
  if (run === undefined || begun === undefined || begun.outcome !== undefined)
    return await rolloutPreview(session, version)
  return [headline(run.plan.migration.name, begun), 'it goes on by the rules that it was begun with']
}

function rendered({ migration, version, ahead, rollout, gates }: Prospect, { terminal }: Session): string {
  const { style } = terminal
  const steps = ({ phase, steps }: PhaseAhead): readonly string[] => [
    style('bold', phase),
    ...steps.map(({ id, does }) => `  ${id}  ${does}`),
  ]
  const isContract = ({ phase }: PhaseAhead): boolean => CONTRACT.includes(phase)
  const gate = gates === undefined || gates.length === 0 ? [] : [renderGates(gates, terminal)]
  return [
    `The deployment of "${version}" for ${migration} would do this; nothing is done now.`,
    ...ahead.filter((one) => !isContract(one)).flatMap(steps),
    style('bold', 'rollout'),
    ...rollout.map((line) => `  ${line}`),
    ...(gate.length === 0 ? [] : [style('bold', 'gate, as it is now'), ...gate]),
    ...ahead.filter(isContract).flatMap(steps),
    `Every statement, its locks and its dangers: bellows plan ${migration}`,
  ].join('\n')
}
