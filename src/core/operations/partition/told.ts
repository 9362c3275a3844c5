import type { BellowsError } from '../../errors.ts'
import { isBare, tellsOf } from '../../plan/identity.ts'
import type { Requirement } from '../../plan/step.ts'
import { refused } from '../../plan/table-checks.ts'
import { treeOf } from '../../plan/tree.ts'
import type { Facts } from '../../schema/facts.ts'
import { hasImmediateKey, type QualifiedName, type Table } from '../../schema/model.ts'
import { regclass, type Sql, shown, sql } from '../../sql.ts'

/**
 * A publication of a partitioned table tells of each partition from the moment in which it is one. Without a replica identity every
 * UPDATE and DELETE of it fails from then on.
 */

/** Those that tell of changed rows, and the partitions of one that have no identity: itself, or those of it. */
export function toldQuestion(table: QualifiedName, part: QualifiedName): Sql {
  const bare = sql`select pg_catalog.array_agg(c.oid::pg_catalog.regclass::pg_catalog.text order by c.relname) from pg_catalog.pg_class c where c.oid in ${treeOf(regclass(part))} and ${isBare}`
  return sql`select p.pubname as publication, (${bare}) as bare from pg_catalog.pg_publication p where ${tellsOf(regclass(table))} order by 1`
}

interface Told {
  readonly publication: string
  readonly bare: readonly string[] | null
}

function toldBy(table: QualifiedName, part: QualifiedName, { answers }: Facts): readonly Told[] {
  const answer = answers[toldQuestion(table, part)]
  return answer === undefined || 'problem' in answer ? [] : (answer as readonly unknown[] as readonly Told[])
}

export function identityProblems(table: Table, part: Table, facts: Facts): readonly BellowsError[] {
  const [told] = toldBy(table, part, facts)
  if (told === undefined) return []
  return (told.bare ?? []).map((name) =>
    refused(
      `${name} has no replica identity, and every UPDATE and DELETE of it would fail as a partition of "${table.name}": the publication ${shown(told.publication)} publishes them.`,
      `Give it one first, with set_table: a primary key or a unique index, or replica_identity: full.`,
    ),
  )
}

/** Asked once more as it is attached: its rows may have been proved for long. */
export function hasIdentityOnceTold(table: Table, part: Table): Requirement {
  return {
    that: sql`not exists (select from (${toldQuestion(table, part)}) told where told.bare is not null)`,
    code: 'drift_found',
    otherwise: `"${part.name}" has no replica identity, and "${table.name}" has come into a publication since the plan was made: every UPDATE and DELETE of it would fail; give it one first, such as full`,
  }
}

/** A new one that gets no identity, as nobody was told of its rows when it was planned. */
export function isNotTold(table: Table, part: QualifiedName): Requirement {
  return {
    that: sql`not exists (${toldQuestion(table, part)})`,
    code: 'drift_found',
    otherwise: `"${table.name}" has come into a publication since the plan was made, and the new partition would have no replica identity; roll back, and begin anew`,
  }
}

/** A new one has no index to be told by but a primary key, which it has of its table. */
export function needsFullIdentity(table: Table, part: QualifiedName, facts: Facts): boolean {
  return !hasImmediateKey(table) && toldBy(table, part, facts).length > 0
}
