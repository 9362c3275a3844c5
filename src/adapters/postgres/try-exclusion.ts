import { BellowsError } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { readExclusion } from '../../core/operations/rules/read.ts'
import { USUAL_SEARCH_PATH } from '../../core/plan/search-path.ts'
import { type ExclusionFacts, exclusionKey } from '../../core/schema/exclusions.ts'
import type { Facts } from '../../core/schema/facts.ts'
import type { QualifiedName } from '../../core/schema/model.ts'
import { qualified, regclass, type Sql, sql } from '../../core/sql.ts'
import type { Known } from './added-columns.ts'
import { emptyCopy } from './empty-copy.ts'
import { type Scratch, scratchFor } from './scratch.ts'
import type { Sessions } from './sessions.ts'
import { KEYS } from './try-index.ts'

/** Puts each exclusion on an empty copy of its table, in a transaction that is taken back. */
export async function tryExclusions(
  sessions: Sessions,
  needs: Needs['exclusions'],
  known: Known,
): Promise<Facts['exclusions']> {
  const facts: Record<string, Facts['exclusions'][string]> = {}
  if (needs.length === 0) return facts
  const scratch = await scratchFor(sessions)
  for (const need of needs) {
    const read = readExclusion(need.elements)
    if ('problem' in read) continue
    const copy = { namespace: scratch.namespace, name: need.table.name }
    const empty = await emptyCopy(sessions, need, copy, known)
    if (empty.length === 0) continue
    facts[exclusionKey(need)] = await tried(scratch, copy, [
      ...empty,
      USUAL_SEARCH_PATH,
      sql`alter table ${qualified(copy)} add exclude ${read.text}`,
    ]).catch((error: unknown) => {
      if (error instanceof BellowsError && error.code === 'statement_failed')
        return { problem: error.message }
      throw error
    })
  }
  return facts
}

async function tried(scratch: Scratch, copy: QualifiedName, made: readonly Sql[]): Promise<ExclusionFacts> {
  const results = await scratch.try([
    ...made,
    sql`select pg_catalog.set_config('search_path', '', true)`,
    printed(copy),
  ])
  const found = results.at(-1)?.[0]?.exclusion as ExclusionFacts | undefined
  if (found === undefined) throw new BellowsError('statement_failed', 'The server made no constraint.')
  return found
}

function printed(table: QualifiedName): Sql {
  return sql`
select pg_catalog.json_build_object(
    'elements', pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), '^EXCLUDE ', ''),
    'keys', ${KEYS},
    'method', (select a.amname from pg_catalog.pg_am a where a.oid = x.relam),
    'classes', (select pg_catalog.json_agg(pg_catalog.format('%I.%I', n.nspname, o.opcname) order by k.at)
        from pg_catalog.generate_series(1, i.indnkeyatts::integer) as k (at)
        join pg_catalog.pg_opclass o on o.oid = i.indclass[k.at - 1] join pg_catalog.pg_namespace n on n.oid = o.opcnamespace),
    'operators', (select pg_catalog.json_agg(pg_catalog.format('operator(%I.%s)', n.nspname, o.oprname) order by e.at)
        from pg_catalog.unnest(c.conexclop) with ordinality as e (oid, at)
        join pg_catalog.pg_operator o on o.oid = e.oid join pg_catalog.pg_namespace n on n.oid = o.oprnamespace),
    'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid)) as exclusion
  from pg_catalog.pg_constraint c join pg_catalog.pg_index i on i.indexrelid = c.conindid join pg_catalog.pg_class x on x.oid = i.indexrelid
  where c.conrelid = ${regclass(table)} and c.contype = 'x'`
}
