import { readQuery } from '../../parse.ts'
import { type Sql, sql } from '../../sql.ts'
import { doneProbe } from '../../statements/statement-probe.ts'
import { type RunSql, upOf } from './run-sql.ts'

/** By what it is known that `up` is done: what the user says, or what the form of the statements tells. */
export function probeOf(op: RunSql): Sql | undefined {
  if (op.probe === undefined) return doneProbe(upOf(op), op.namespace)
  const read = readQuery(op.probe)
  return typeof read === 'string' ? sql`coalesce(${read}, false)` : undefined
}

export function probeQuestion(probe: Sql): Sql {
  return sql`select ${probe} as holds`
}
