import { readQuery } from '../../parse.ts'
import { all } from '../../plan/probes.ts'
import { type Sql, sql } from '../../sql.ts'
import { doneProbes } from '../../statements/statement-probe.ts'
import { type RunSql, upOf } from './run-sql.ts'

/** By what it is known that `up` is done: what the user says, or what the form of the statements tells. */
export function probeOf(op: RunSql): Sql | undefined {
  const probes = probesOf(op)
  return probes === undefined ? undefined : all(probes)
}

/** The same of each part. */
export function probesOf(op: RunSql): readonly Sql[] | undefined {
  if (op.probe === undefined) return doneProbes(upOf(op), op.namespace)
  const read = readQuery(op.probe)
  return typeof read === 'string' ? [sql`coalesce(${read}, false)`] : undefined
}

export function probeQuestion(probe: Sql): Sql {
  return sql`select ${probe} as holds`
}
