import { BellowsError } from '../../../src/core/errors.ts'
import { drive } from '../../../src/engine/drive.ts'
import { rollOut } from '../../../src/engine/rollout/drive.ts'
import { Killed } from '../mortal.ts'
import { NEW } from '../scenario.ts'
import { RUN } from './journal.ts'
import type { Life } from './life.ts'
import { LEASE_MS } from './process.ts'

const ATTEMPTS_MAX = 300
/** Rollouts that may fail when nothing stands against them any more. */
const CALM_ROLLOUTS_MAX = 3
const RESUMES_PER_ABORT = 6
/** The row of who wrote stands for a minute. */
const WRITE_ROW_MS = 60_000
/** Transactions that are waited for, locks, and the pauses of the operator, each at its longest. */
const SLACK_MS = 240_000

/**
 * Somebody who deploys and contracts, as `bellows deploy` does, until the column is hidden: again whenever it was refused or the
 * driver was killed, and sometimes before the rollout is through.
 * @param deaths told of each driver that was killed, by what it was about to do or had just done
 * @returns that the column is hidden, or why it never will be
 */
export async function contracted(life: Life, deaths: string[] = []): Promise<string> {
  const { time, luck, given } = life
  const { silentGraceMs, quietMs } = given.gate
  const boundMs = LEASE_MS + silentGraceMs + quietMs + WRITE_ROW_MS + SLACK_MS
  const deploying: Deploying = {
    version: Number(NEW),
    calmFailures: 0,
    calmPauses: 0,
    freeSinceMs: undefined,
    deaths,
  }
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const refusal = await attempted(life, deploying)
    if (refusal === undefined) return 'the column is hidden'
    const { freeSinceMs, calmFailures } = deploying
    if (freeSinceMs !== undefined && time.nowMs() - freeSinceMs > boundMs)
      return `nobody needs it for ${(time.nowMs() - freeSinceMs) / 1_000} s: ${refusal}`
    if (calmFailures > CALM_ROLLOUTS_MAX) return `no rollout works: ${refusal}`
    time.pass(1_000 + luck.below(30_000))
  }
  return 'there is no end'
}

interface Deploying {
  version: number
  calmFailures: number
  calmPauses: number
  /** Since when nobody needs the old column, and nothing goes wrong. */
  freeSinceMs: number | undefined
  readonly deaths: string[]
}

/** @returns why not, undefined when the column is hidden */
async function attempted(life: Life, deploying: Deploying): Promise<string | undefined> {
  const { given, luck, crowd, time } = life
  const driver = life.driver()
  const isImpatient = !life.isCalm() && luck.happens(0.3)
  try {
    if (given.rollout !== undefined && driver.deployer !== undefined && !isImpatient) {
      const { roles, rules } = given.rollout
      await rollOut(driver, RUN, { version: String(deploying.version), roles, rules }, driver.deployer)
    }
    if (crowd.somebodyNeeds() || !life.isCalm()) deploying.freeSinceMs = undefined
    else deploying.freeSinceMs ??= time.nowMs()
    // Whoever only contracts says nothing of versions.
    const says = isImpatient || given.rollout === undefined ? {} : { version: String(deploying.version) }
    const { settings } = driver
    await drive({ ...driver, settings: { ...settings, gate: { ...settings.gate, ...says } } }, RUN, 'retire')
    return undefined
  } catch (error) {
    if (error instanceof Killed) {
      deploying.deaths.push(error.message)
      return 'the driver was killed'
    }
    if (!(error instanceof Error) || !(error instanceof BellowsError || EXPECTED.test(error.message)))
      throw error
    await answer(life, deploying, error)
    return error.message
  }
}

/** Whoever has the time tries again before he gives a rollout up. */
function isPatient({ isCalm, luck }: Life, { calmPauses }: Deploying): boolean {
  return isCalm() ? calmPauses % RESUMES_PER_ABORT !== 0 : luck.happens(0.75)
}

/** What the fake deployer says when it fails. */
const EXPECTED = /^(the fleet does not answer|\w+ (refused|timed out))$/

/** What a person does who reads why it did not work. */
async function answer(life: Life, deploying: Deploying, error: Error): Promise<void> {
  if (!(error instanceof BellowsError)) return
  const { journal, crowd } = life
  switch (error.code) {
    case 'rollout_paused':
      // On its way back a rollout needs the old column, too.
      deploying.freeSinceMs = undefined
      if (life.isCalm()) deploying.calmPauses += 1
      await journal.rollouts.ask(RUN, isPatient(life, deploying) ? 'resume' : 'abort')
      break
    case 'rollout_failed':
      deploying.freeSinceMs = undefined
      deploying.version += 1
      if (life.isCalm()) deploying.calmFailures += 1
      break
    case 'instances_blocking':
      // Of one that is surely gone somebody says so; whoever is only silent is left alone.
      for (const name of (error.facts.silent ?? []) as readonly string[])
        if (crowd.find(name)?.life === 'ended') life.database.registry.release(name)
      break
    case 'gate_closed':
    case 'gate_expired':
    case 'lock_not_had':
      break
    default:
      throw error
  }
}
