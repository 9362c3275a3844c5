import type { QualifiedName, Table } from '../schema/model.ts'
import { lit, type Sql, sql } from '../sql.ts'
import type { Hazard } from './hazard.ts'
import { WAITED_PARTS_MIN } from './hold.ts'
import { isAtMost, isEmpty } from './probes.ts'
import type { Requirement, StepDraft, TransactionStep } from './step.ts'

/** A table of at most this size, its partitions counted in, is read or written anew in some ten milliseconds, in which everybody waits. */
export const SMALL_BYTES_MAX = 1_048_576

export function isSmall({ bytes }: Pick<Table, 'bytes'>): boolean {
  return bytes <= SMALL_BYTES_MAX
}

/** Why a table is not small, as the rest of a sentence about what that would take. */
export function tooLarge({ name, bytes }: Pick<Table, 'name' | 'bytes'>): string {
  return `"${name}" has ${bytes} bytes; that is done for at most ${SMALL_BYTES_MAX}`
}

/** Asked within the lock: what was planned is as old as the last ANALYZE. */
export function staysSmall(table: QualifiedName, otherwise: string): Requirement {
  return {
    that: isAtMost(table, SMALL_BYTES_MAX),
    code: 'plan_refused',
    otherwise: `"${table.name}" has more than ${SMALL_BYTES_MAX} bytes: ${otherwise}`,
  }
}

/**
 * PostgreSQL writes rows anew as if they had just been inserted, so a snapshot from before has none of them. A transaction that keeps
 * one is waited for like a lock, as far as it is seen: between two of its statements. A statement that is under way is not seen, so
 * somebody has to say why that may be.
 */
const NO_OLD_SNAPSHOT: Requirement = {
  that: sql`not exists (select from pg_catalog.pg_stat_activity where datname = pg_catalog.current_database() and pid <> pg_catalog.pg_backend_pid() and backend_xmin is not null and state like 'idle in transaction%')`,
  code: 'txn_conflict',
  otherwise:
    'a transaction at REPEATABLE READ or SERIALIZABLE, or with an open cursor, has a snapshot from before, in which the rows would be missing',
}

/**
 * For a step that writes the table anew: where it has no row nothing can be missed, and else somebody has to say why it may be. A table
 * that was never analysed seems to have none, so a reason counts there; but not where it may have been given for the wait for many partitions.
 */
export function rewriteBound(
  table: Pick<Table, 'namespace' | 'name' | 'bytes' | 'parts'>,
  otherwise: string,
  reason: string | undefined,
): Pick<TransactionStep, 'requires' | 'hazards'> {
  const isSaid = reason !== undefined && table.parts.length < WAITED_PARTS_MIN
  if (table.bytes === 0 && !isSaid) return { requires: [staysEmpty(table)], hazards: [] }
  return {
    requires: [staysSmall(table, otherwise), NO_OLD_SNAPSHOT],
    hazards: reason === undefined ? [] : [writtenAnewHazard(table)],
  }
}

function staysEmpty(table: QualifiedName): Requirement {
  return {
    that: isEmpty(table),
    code: 'plan_refused',
    otherwise: `"${table.name}" is not empty: it would be written anew, and a query that began before may find no row in it; roll back, ANALYZE it, and plan again with unsafe: "<reason>"`,
  }
}

/** Is it a step behind which rows are missing in a snapshot from before? */
export function hidesRows(step: StepDraft): boolean {
  return 'requires' in step && step.requires.some(({ that }) => that === NO_OLD_SNAPSHOT.that)
}

/** A domain that gets a constraint after the plan was made has the table written anew, however large that is. */
export function staysFree(domain: Sql): Requirement {
  const under = sql`with recursive under as (select t.oid, t.typtype, t.typbasetype, t.typnotnull from pg_catalog.pg_type t where t.oid = pg_catalog.to_regtype(${lit(domain)})
    union all select b.oid, b.typtype, b.typbasetype, b.typnotnull from under u join pg_catalog.pg_type b on b.oid = u.typbasetype)`
  return {
    that: sql`not exists (${under} select from under u where u.typtype = 'd' and (u.typnotnull or exists (select from pg_catalog.pg_constraint k where k.contypid = u.oid)))`,
    code: 'drift_found',
    otherwise: `the domain ${domain} has got a constraint since the plan was made, with which the whole table would be written anew; roll back, and plan again`,
  }
}

function writtenAnewHazard({ name }: QualifiedName): Hazard {
  return {
    code: 'may_break',
    because: `"${name}" is written anew: whoever has a snapshot from before this step, and reads the table behind it for the first time, finds no row. That may be a transaction at REPEATABLE READ or SERIALIZABLE, such as pg_dump, also on a standby, or a query that calls a STABLE function. Transactions that are between two statements as it begins are waited for.`,
  }
}
