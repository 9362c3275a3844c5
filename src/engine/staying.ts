import { cameOver, type Stayed, stoodFrom } from '../core/rollout/came-over.ts'
import type { RolloutEntry } from '../core/rollout/event.ts'
import type { Rollout } from '../core/rollout/rollout.ts'
import { mayBeEarlier } from '../core/rollout/stands-on.ts'
import type { WorkloadRollout } from '../core/rollout/workload-rollout.ts'
import { lit, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import { lastRollout, readRolloutEntries } from './rollout/look.ts'

/** The newest rollout for a run, and the version of the application that is to stay, where anybody has said so. */
export interface Staying {
  readonly last?: Rollout | WorkloadRollout | undefined
  /** Unless it was taken back or given up. */
  readonly rollout?: Rollout | WorkloadRollout | undefined
  /** Why nobody knows it, where that is not plain. */
  readonly unclear?: string | undefined
  readonly version?: string | undefined
}

/**
 * The word of whoever asks goes before what was rolled out last, or has come in over that since. That tells nothing where it may have
 * run before the migration: it is what uses the old shape then, be it that it came under a deployer for the first time, or was gone
 * back to.
 */
export async function stayingOf(engine: Engine, run: number | undefined): Promise<Staying> {
  const { version } = engine.settings.gate
  if (run === undefined) return { version }
  const entries = await readRolloutEntries(engine, run)
  const last = lastRollout(entries)
  const rollout = last?.outcome === 'rolled_back' || last?.outcome === 'abandoned' ? undefined : last
  if (version !== undefined || rollout === undefined) return { last, rollout, version }
  const starts = startsIn(entries)
  if (
    mayBeEarlier(
      rollout.version,
      starts.map(({ event }) => event),
    )
  )
    return {
      last,
      rollout,
      unclear: `"${rollout.version}", which was rolled out last, may have run before the migration`,
    }
  const stayed = { version: rollout.version, seq: starts.at(-1)?.seq ?? 0 }
  return { last, rollout, version: await inPlaceOf(engine, stayed) }
}

function startsIn(entries: readonly RolloutEntry[]) {
  return entries.flatMap(({ seq, event }) => (event.kind === 'rollout_started' ? [{ seq, event }] : []))
}

/**
 * The version that is to stay by now, when one was to stay at an earlier moment; see decision 0080. Who deploys without Bellows is
 * known by the instances that registered.
 */
export async function inPlaceOf({ rollouts, database }: Engine, stayed: Stayed): Promise<string> {
  // As a rule nothing came, and a look at a gate does not read what all rollouts replaced.
  const [later] = await database.read(sql`
select seq from bellows.event where event #>> '{event,kind}' = 'rollout_started' and seq > ${lit(stayed.seq)} limit 1`)
  if (later === undefined) return stayed.version
  const history = await rollouts.history()
  const registered = await database.read<{ version: string }>(sql`
select distinct version from bellows.instance
  where version is not null and registered_at < (select at from bellows.event where seq = ${lit(stoodFrom(stayed, history))})`)
  return cameOver(
    stayed,
    history,
    registered.map(({ version }) => version),
  )
}
