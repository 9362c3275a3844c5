import type { Event } from '../core/run/event.ts'
import { sql } from '../core/sql.ts'
import type { Engine } from './context.ts'

type Overridden = Extract<Event, { readonly type: 'gate_overridden' }>

/** One time that somebody decided to go on without a check. It was written in the transaction that hid the column. */
export interface AuditEntry extends Omit<Overridden, 'type'> {
  readonly migration: string
  /** ISO 8601, by the clock of the database. */
  readonly at: string
  /** The role of the database that did it. */
  readonly role: string
}

/** What was gone without, in all runs, oldest first. The journal can only grow, so nothing of it is ever lost. */
export async function readAudit({ database, journal }: Engine): Promise<readonly AuditEntry[]> {
  if (!(await journal.isInstalled())) return []
  const rows = await database.read<{ migration: string; at: string; role: string; event: Overridden }>(sql`
select r.migration, e.at, e.by_role as role, e.event
  from bellows.event e join bellows.run r on r.id = e.run
  where e.event ->> 'type' = 'gate_overridden' order by e.seq`)
  return rows.map(({ event: { type: _type, ...overridden }, ...entry }) => ({ ...entry, ...overridden }))
}
