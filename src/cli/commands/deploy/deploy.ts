import type { Command } from 'commander'
import type { Migration, Run } from '../../../index.ts'
import { deployedMigration, deployedRun } from '../../choose.ts'
import { confirmed } from '../../confirm.ts'
import { deploymentNeeded, wishOf } from '../../deployment.ts'
import { addEvidenceFlags, type EvidenceFlags } from '../../evidence-flags.ts'
import { EXIT } from '../../exit-codes.ts'
import { addBoundFlags, type BoundFlags, filled, time } from '../../flags.ts'
import { renderGates } from '../../render/gate.ts'
import { inSession, type Session } from '../../session.ts'
import { reportRun } from '../advance.ts'
import { contracted, contractSettings, REAP } from '../contract.ts'
import { waitedForGate } from '../gate.ts'
import { addAsking } from './asking.ts'
import { shown } from './dry-run.ts'
import { addRolloutHistory } from './history.ts'
import { announced, type RolloutFlags, rolledOut } from './rolling.ts'
import { addRolloutStatus } from './status.ts'

interface DeployFlags extends BoundFlags, EvidenceFlags, RolloutFlags {
  readonly to: string
  readonly confirm?: string
  readonly gateTimeout?: number
  readonly grace?: number
  readonly reap?: true
  /** False when `--no-contract` was given. */
  readonly contract?: boolean
  readonly dryRun?: true
}

const GATE_TIMEOUT_MS = 3_600_000

const HELP = `
One after the other: expand, backfill, verify, the rollout, the gate, contract. Whatever is done already is not done again, so a deploy
that was killed goes on when it is started again. With Kubernetes in the mode "observe" it waits until somebody else has rolled out. Each
phase alone: bellows expand, backfill, verify, deploy rollout, gate wait, contract. With --dry-run what is still ahead is told, with what
the rollout would do and what the gate says at this moment.
`

export function addDeploy(program: Command): void {
  const deploy = program
    .command('deploy')
    .description('take a migration and a new version of the application from expand to contract')
    .addHelpText('after', HELP)
  addEvidenceFlags(addFlags(deploy.command('run', { isDefault: true })))
    .description('all phases, from wherever it stands (the default)')
    .option('--confirm <database>', 'name of the database, as a confirmation: dropping cannot be taken back')
    .option('--dry-run', 'show what would happen, and what the gate says now; do nothing')
    .option('--no-contract', 'end behind the rollout: the old shape stays, and so does the way back')
    .option('--gate-timeout <time>', 'wait no longer at the gate (default: 1h)', time)
    .option('--grace <time>', 'keep the hidden shape for so long, to undo (default: 0)', time)
    .option('--reap', REAP)
    .action((named: string | undefined, flags: DeployFlags) =>
      inSession('deploy', flags, contractSettings(flags), (session) =>
        flags.dryRun === true ? shown(session, named, flags) : deployed(session, named, flags),
      ),
    )
  addFlags(deploy.command('rollout'))
    .description('the rollout alone: for a migration that is verified')
    .action((named: string | undefined, flags: DeployFlags) =>
      inSession('deploy', flags, contractSettings(flags), async (session) => {
        deploymentNeeded(session.deployment)
        const run = await deployedRun(session.bellows, named)
        await announced(session, flags)
        return await reportRun(session, await rolledOut(session, run, flags), flags)
      }),
    )
  addAsking(deploy)
  addRolloutStatus(deploy)
  addRolloutHistory(deploy)
}

function addFlags(command: Command): Command {
  return addBoundFlags(command)
    .argument(
      '[migration]',
      'name or file; default: the one whose rollout is not over, or was taken back when this version was the last one, else the one under way, else the first that was not begun',
    )
    .requiredOption('--to <version>', 'the version of the application that is to run', filled)
    .option(
      '--rollout-timeout <time>',
      'wait no longer for whoever brings it in, in the mode "observe" of Kubernetes (default: 1h)',
      time,
    )
}

async function deployed(session: Session, named: string | undefined, flags: DeployFlags): Promise<number> {
  const { bellows, config, terminal } = session
  const deployment = deploymentNeeded(session.deployment)
  const migration = await deployedMigration(bellows, config.migrations, { named, version: flags.to })
  if (flags.contract !== false)
    await confirmed(
      `The deployment of "${migration.name}" ends with a contract, which drops the old shape; after that there is no way back.`,
      await bellows.name(),
      flags.confirm,
    )
  const behind = await bellows.change(async (driver) => {
    await driver.refuseDeployment(migration, wishOf(deployment, flags.to))
    const [last] = await driver.pastRollouts()
    return last?.number ?? 0
  })
  await announced(session, flags)
  // What somebody else rolls out meanwhile was wanted later than this one.
  const run = await rolledOut(session, await prepared(session, migration), { ...flags, behind })
  if (flags.contract === false) return await reportRun(session, run, flags)
  // Nobody is kept from deploying meanwhile, and then it is no longer this version that the contract is for.
  const refuse = (): Promise<void> => bellows.refuseOvertaken(migration, flags.to)
  const reports = await waitedForGate(session, run, {
    ...flags,
    refuse,
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
  return await reportRun(session, await contracted(session, migration.name, { ...flags, refuse }), flags)
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
