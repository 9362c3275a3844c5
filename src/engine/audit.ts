import { relationExists } from '../core/plan/probes.ts'
import type { Actor, Event } from '../core/run/event.ts'
import { sql } from '../core/sql.ts'
import { hasThrottle } from './brake/read-brake.ts'
import type { Engine } from './context.ts'
import { holds } from './holds.ts'

type Overridden = Extract<Event, { readonly type: 'gate_overridden' }>

interface Audited {
  /** ISO 8601, by the clock of the database. */
  readonly at: string
  /** The role of the database that did it. */
  readonly role: string
}

interface AuditedOfRun extends Audited {
  readonly migration: string
}

/** One time that somebody went on without a check, or asked less of it. It was written in the transaction that hid the column. */
export type Override = AuditedOfRun & Omit<Overridden, 'type'>

/** Statements of a migration that ran although they are unsafe. */
export interface UnsafeStep extends AuditedOfRun {
  readonly step: string
  /** What is unsafe about each, and the reason that the migration gives. */
  readonly because: readonly string[]
}

/** One time that somebody slowed a run, paused it or let it go on, while it worked through a table. */
export interface Throttled extends AuditedOfRun {
  readonly throttle: { readonly share: number; readonly workers?: number; readonly until?: string }
  readonly reason?: string
  readonly actor: Actor
}

/** One time that somebody said of an instance that it was gone. */
export interface ReleasedByHand extends Audited {
  readonly instance: string
  /** There may be none where the lease was over. */
  readonly reason: string | null
  /** What it looked like then. */
  readonly lease: {
    readonly state: 'live' | 'silent'
    /** When it would have been over, or was. */
    readonly over_at: string
    readonly renewed_at: string
    readonly uses: readonly string[]
    readonly application?: string
    readonly version?: string
    readonly kind?: string
    readonly host?: string
    readonly role: string
  }
  readonly actor: Actor
}

export type AuditEntry = Override | UnsafeStep | Throttled | ReleasedByHand

/**
 * What was gone without, what was slowed and who was released, oldest first. What is written there can only grow, so nothing of it is
 * ever lost.
 */
export async function readAudit(engine: Engine): Promise<readonly AuditEntry[]> {
  if (!(await engine.journal.isInstalled())) return []
  const all = [...(await goneWithout(engine)), ...(await throttled(engine)), ...(await released(engine))]
  return all.toSorted((a, b) => (a.at < b.at ? -1 : 1))
}

async function goneWithout({ database }: Engine): Promise<readonly (Override | UnsafeStep)[]> {
  const rows = await database.read<
    AuditedOfRun & { event: Overridden; step: string; because: string[] | null }
  >(sql`
select r.migration, e.at, e.by_role as role, e.event, e.event ->> 'step' as step, u.because
  from bellows.event e join bellows.run r on r.id = e.run
  cross join lateral (
    select pg_catalog.json_agg(hazard -> 'because') as because
      from pg_catalog.jsonb_array_elements((r.plan -> 'steps') || (r.plan -> 'rollback')) step
      cross join lateral pg_catalog.jsonb_array_elements(step -> 'hazards') hazard
      where e.event @> '{"type": "step_done", "how": "performed"}' and step -> 'id' = e.event -> 'step' and hazard ->> 'code' = 'unsafe'
  ) u
  where e.event ->> 'type' = 'gate_overridden' or u.because is not null order by e.seq`)
  return rows.map(({ event: { type: _type, ...overridden }, step, because, ...entry }) =>
    because === null ? { ...entry, ...overridden } : { ...entry, step, because },
  )
}

async function throttled(engine: Engine): Promise<readonly Throttled[]> {
  if (!(await hasThrottle(engine))) return []
  return await engine.database.read<Throttled>(sql`
select r.migration, t.at, t.by_role as role, t.actor, t.reason,
    pg_catalog.json_strip_nulls(pg_catalog.json_build_object('share', t.share, 'workers', t.workers, 'until', t.until)) as throttle
  from bellows.throttle t join bellows.run r on r.id = t.run order by t.seq`)
}

async function released(engine: Engine): Promise<readonly ReleasedByHand[]> {
  if (!(await holds(engine, relationExists({ namespace: 'bellows', name: 'released_by_hand' })))) return []
  return await engine.database.read<ReleasedByHand>(
    sql`select at, by_role as role, actor, instance, reason, lease from bellows.released_by_hand order by seq`,
  )
}
