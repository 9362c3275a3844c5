import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { BellowsError, type GateReport, type Look, type Run } from '../../index.ts'
import { chosenRun } from '../choose.ts'
import { addEvidenceFlags, addStayingFlag, type EvidenceFlags, evidenceSettings } from '../evidence-flags.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags, time } from '../flags.ts'
import { duration } from '../render/figures.ts'
import { renderGates } from '../render/gate.ts'
import { type DatabaseFlags, inSession, printJson, type Session } from '../session.ts'

interface GateFlags extends DatabaseFlags, EvidenceFlags {}

interface WaitFlags extends GateFlags {
  readonly timeout?: number
}

/** How long to wait, what to say meanwhile, and why it may be of no use any more. */
type Waiting = Pick<WaitFlags, 'timeout' | 'json'> & { readonly refuse?: () => Promise<void> }

const PAUSE_MS = { min: 1_000, max: 5_000 } as const
const PAUSES_A_LOOK = 200
const TIMEOUT_MS = 600_000

export function addGate(program: Command): void {
  const gate = program
    .command('gate')
    .description('whether the old shape may go, and who or what still needs it')
  addGateFlags(gate.command('explain', { isDefault: true }))
    .description('look once (the default); exits with 0 when every check is green, else with 5')
    .action((named: string | undefined, flags: GateFlags) =>
      inSession('gate', flags, evidenceSettings(flags), async (session) => {
        const run = await chosenRun(session.bellows, named)
        return report(session, run, await looked(session, run, 'glance'), flags)
      }),
    )
  addGateFlags(gate.command('wait'))
    .description(
      'look again and again until every check is green, for any pipeline; exits with 5 when that takes too long',
    )
    .option('--timeout <time>', 'give up after so long, with exit code 5 (default: 10min)', time)
    .action((named: string | undefined, flags: WaitFlags) =>
      inSession('gate', flags, evidenceSettings(flags), async (session) => {
        const run = await chosenRun(session.bellows, named)
        return report(session, run, await waitedForGate(session, run, flags), flags)
      }),
    )
}

function addGateFlags(command: Command): Command {
  return addStayingFlag(addEvidenceFlags(addDatabaseFlags(command))).argument(
    '[migration]',
    'name; default: the one under way',
  )
}

async function looked({ bellows }: Session, run: Run, look: Look): Promise<readonly GateReport[]> {
  if (run.state !== 'rolling_back' && run.state !== 'rolled_back') return await bellows.gates(run, look)
  const { name } = run.plan.migration
  throw new BellowsError('run_conflict', `The migration "${name}" is ${run.state.replace('_', ' ')}.`, {
    hint: `Nothing of it waits for a contract. Begin it anew: bellows expand ${name}`,
  })
}

/**
 * Says each change while it waits, and compares meanwhile what no constraint keeps true. The last look is given back, open or not.
 * @throws BellowsError `verification_failed` when something is found by that, and what `refuse` throws
 */
export async function waitedForGate(
  session: Session,
  begun: Run,
  flags: Waiting,
): Promise<readonly GateReport[]> {
  const closing = new AbortController()
  const failures: unknown[] = []
  const comparing = session.bellows
    .keepComparing(begun.id, closing.signal)
    .catch((error: unknown) => failures.push(error))
  try {
    return await openOrLate(session, begun, flags, failures)
  } finally {
    closing.abort()
    await comparing
  }
}

async function openOrLate(
  session: Session,
  begun: Run,
  { timeout = TIMEOUT_MS, json, refuse }: Waiting,
  failures: readonly unknown[],
): Promise<readonly GateReport[]> {
  const { terminal } = session
  const end = performance.now() + timeout
  let said = ''
  for (let run = begun, lookMs = 0; ; run = await later(session, run, lookMs)) {
    await refuse?.()
    const began = performance.now()
    const reports = await looked(session, run, 'decision')
    if (failures.length > 0) throw failures[0]
    lookMs = performance.now() - began
    if (reports.every(({ open }) => open) || performance.now() >= end) return reports
    if (session.isStopping())
      throw new BellowsError('interrupted', `Stopped waiting for the gate of "${run.plan.migration.name}".`)
    const standing = standingOf(reports)
    if (json !== true && standing !== said) terminal.err(`${renderGates(reports, terminal)}\n`)
    said = standing
  }
}

/** What stands against it, without the times, which change with every look. */
function standingOf(reports: readonly GateReport[]): string {
  return JSON.stringify(
    reports.map(({ usage, checks }) => [
      usage,
      checks.map(({ check, state, offenders }) => [check, state, offenders.map(({ who }) => who)]),
    ]),
  )
}

/** Milliseconds. A look at a large fleet takes longer, and is made less often: waiting costs the database next to nothing. */
export function pauseBetweenLooks(lookMs: number): number {
  return Math.min(Math.max(PAUSES_A_LOOK * lookMs, PAUSE_MS.min), PAUSE_MS.max)
}

/** Another driver may have passed the gate meanwhile, or taken the run back. */
async function later({ bellows }: Session, run: Run, lookMs: number): Promise<Run> {
  await sleep(pauseBetweenLooks(lookMs))
  const [now = run] = await bellows.runs({ id: run.id })
  return now
}

function report(
  { terminal }: Session,
  run: Run,
  reports: readonly GateReport[],
  { json }: GateFlags,
): number {
  const migration = run.plan.migration.name
  const isDrained = reports.every(({ open }) => open)
  if (json === true) {
    printJson({ migration, open: isDrained, gates: reports })
  } else {
    terminal.out(
      reports.length === 0 ? `${migration}: nothing waits at a gate.` : renderGates(reports, terminal),
    )
    if (isDrained && reports.length > 0) terminal.out(`next: ${nextOf(run)}`)
  }
  return isDrained ? EXIT.done : EXIT.tryAgain
}

/** Whoever contracts by hand asks for no grace. */
function nextOf({ plan, purgeAfterMs }: Run): string {
  if (purgeAfterMs === undefined) return `bellows contract ${plan.migration.name}`
  const kept = purgeAfterMs === 0 ? '' : `, once it has been hidden for ${duration(purgeAfterMs / 1000)}`
  return `bellows reap drops it${kept}`
}
