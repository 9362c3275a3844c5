import type { Command } from 'commander'
import { type Migration, previewOf, type Run } from '../../../index.ts'
import { chosenMigration, chosenRun } from '../../choose.ts'
import { confirmed } from '../../confirm.ts'
import { deploymentNeeded } from '../../deployment.ts'
import { addEvidenceFlags, type EvidenceFlags } from '../../evidence-flags.ts'
import { EXIT } from '../../exit-codes.ts'
import { addBoundFlags, type BoundFlags, time } from '../../flags.ts'
import { renderGates } from '../../render/gate.ts'
import { inSession, type Session } from '../../session.ts'
import { reportRun } from '../advance.ts'
import { contracted, contractSettings } from '../contract.ts'
import { waitedForGate } from '../gate.ts'
import { addAsking } from './asking.ts'
import { addRolloutStatus } from './status.ts'

interface DeployFlags extends BoundFlags, EvidenceFlags {
  readonly to: string
  readonly confirm?: string
  readonly gateTimeout?: number
  readonly grace?: number
  /** False when `--no-contract` was given. */
  readonly contract?: boolean
}

const GATE_TIMEOUT_MS = 3_600_000

const HELP = `
One after the other: expand, backfill, verify, the rollout instance by instance, the gate, contract. Whatever is done already is not done
again, so a deploy that was killed goes on when it is started again. Each phase alone: bellows expand, backfill, verify, deploy rollout,
gate wait, contract.
`

export function addDeploy(program: Command): void {
  const deploy = program
    .command('deploy')
    .description('take a migration and a new version of the application from expand to contract')
    .addHelpText('after', HELP)
  addFlags(deploy.command('run', { isDefault: true }))
    .description('all phases, from wherever it stands')
    .option('--confirm <database>', 'name of the database, as a confirmation: dropping cannot be taken back')
    .option('--no-contract', 'end behind the rollout: the old shape stays, and so does the way back')
    .option('--gate-timeout <time>', 'wait no longer at the gate (default: 1h)', time)
    .option('--grace <time>', 'keep the hidden shape for so long, to undo (default: 0)', time)
    .action((named: string | undefined, flags: DeployFlags) =>
      inSession('deploy', flags, contractSettings(flags), (session) => deployed(session, named, flags)),
    )
  addFlags(deploy.command('rollout'))
    .description('the rollout alone: for a migration that is verified')
    .action((named: string | undefined, flags: DeployFlags) =>
      inSession('deploy', flags, contractSettings(flags), async (session) => {
        deploymentNeeded(session.deployment)
        const run = await chosenRun(session.bellows, named)
        await announced(session, flags.to)
        return await reportRun(session, await rolledOut(session, run, flags.to), flags)
      }),
    )
  addAsking(deploy)
  addRolloutStatus(deploy)
}

function addFlags(command: Command): Command {
  return addEvidenceFlags(addBoundFlags(command))
    .argument('[migration]', 'name or file; default: the one under way, else the first that was not begun')
    .requiredOption('--to <version>', 'the version of the application that is to run')
}

async function deployed(session: Session, named: string | undefined, flags: DeployFlags): Promise<number> {
  const { bellows, config, terminal } = session
  deploymentNeeded(session.deployment)
  const migration = await chosenMigration(bellows, config.migrations, named)
  if (flags.contract !== false)
    await confirmed(
      `The deployment of "${migration.name}" ends with a contract, which drops the old shape; after that there is no way back.`,
      await bellows.name(),
      flags.confirm,
    )
  await announced(session, flags.to)
  const run = await rolledOut(session, await prepared(session, migration), flags.to)
  if (flags.contract === false) return await reportRun(session, run, flags)
  const reports = await waitedForGate(session, run, {
    ...flags,
    timeout: flags.gateTimeout ?? GATE_TIMEOUT_MS,
  })
  if (!reports.every(({ open }) => open)) {
    terminal.err(`${renderGates(reports, terminal)}\n`)
    terminal.err(
      `The gate stayed closed. To go on later: bellows deploy ${migration.name} --to ${flags.to}\n`,
    )
    return EXIT.tryAgain
  }
  if (reports.length > 0) terminal.err('gate: every check is green\n')
  return await reportRun(session, await contracted(session, migration.name, {}), flags)
}

/** What is going to happen to the fleet, before anything does. */
async function announced({ terminal, deployment }: Session, version: string): Promise<void> {
  const { deployer, roles, rules } = deploymentNeeded(deployment)
  const { lines } = previewOf({ version, roles, rules }, await deployer.fleet())
  terminal.err(`${lines.join('\n')}\n`)
}

/** A phase after the other, so that another driver may do something in between. */
async function prepared({ bellows, terminal }: Session, migration: Migration): Promise<Run> {
  for (const phase of ['expand', 'backfill'] as const) {
    await bellows.change((driver) => driver.advance(migration, phase))
    terminal.err(`${phase}: done\n`)
  }
  const run = await bellows.change((driver) => driver.advance(migration, 'verify'))
  terminal.err('verify: done\n')
  return run
}

/** @returns the run as it stands behind the rollout */
async function rolledOut(
  { bellows, terminal, deployment }: Session,
  run: Run,
  version: string,
): Promise<Run> {
  const { deployer, roles, rules } = deploymentNeeded(deployment)
  await bellows.change((driver) => driver.rollOut(run.id, { version, roles, rules }, deployer))
  terminal.err(`rollout: every instance serves "${version}"\n`)
  const [now = run] = await bellows.runs({ id: run.id })
  return now
}
