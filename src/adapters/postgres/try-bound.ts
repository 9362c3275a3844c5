import { BellowsError } from '../../core/errors.ts'
import { cutToBytes, IDENTIFIER_BYTES_MAX } from '../../core/identifier.ts'
import { boundsProblem } from '../../core/plan/bounds.ts'
import type { BoundFacts, BoundNeed } from '../../core/schema/bounds.ts'
import { boundKey } from '../../core/schema/bounds.ts'
import type { Facts } from '../../core/schema/facts.ts'
import { id, join, lit, qualified, regclass, sql, trusted } from '../../core/sql.ts'
import type { Sessions } from './sessions.ts'

/**
 * Makes each partition of an empty copy of its table, in a transaction that is taken back: only the server knows what a bound
 * comes to. Of a table that is not partitioned nothing is known.
 */
export async function tryBounds(sessions: Sessions, needs: readonly BoundNeed[]): Promise<Facts['bounds']> {
  const facts: Record<string, Facts['bounds'][string]> = {}
  for (const need of needs) {
    const [found] = await sessions.read<{ key: string | null; oid: number | null }>(
      sql`select pg_catalog.pg_get_partkeydef(t) as key, t::pg_catalog.oid::bigint as oid from ${regclass(need.table)} t`,
    )
    if (boundsProblem(need.bounds) !== undefined || typeof found?.key !== 'string') continue
    facts[boundKey(need)] = await tried(sessions, need, { key: found.key, oid: found.oid ?? 0 }).catch(
      (error: unknown) => {
        if (error instanceof BellowsError && error.code === 'statement_failed')
          return { problem: error.message.replace(/\.$/, '') }
        throw error
      },
    )
  }
  return facts
}

async function tried(
  sessions: Sessions,
  { table, bounds }: BoundNeed,
  real: { readonly key: string; readonly oid: number },
): Promise<BoundFacts> {
  const others = await sessions.read<{ name: string; bounds: string }>(sql`
select c.relname as name, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bounds
  from pg_catalog.pg_inherits h join pg_catalog.pg_class c on c.oid = h.inhrelid
  where h.inhparent = ${regclass(table)} and not h.inhdetachpending order by c.oid`)
  const copy = { namespace: 'pg_temp', name: table.name }
  const part = { namespace: 'pg_temp', name: 'bellows_part' }
  const results = await sessions.send(
    join(
      [
        sql`begin`,
        sql`create temporary table ${id(table.name)} (like ${qualified(table)}) partition by ${trusted(real.key)}`,
        // The others are there, too, each under a name of its own: which of them overlaps, the server says.
        ...others.map(
          (other, at) =>
            sql`create temporary table ${id(cutToBytes(`${at + 1} ${other.name}`, IDENTIFIER_BYTES_MAX))} partition of ${qualified(copy)} ${trusted(other.bounds)}`,
        ),
        sql`create temporary table ${id(part.name)} partition of ${qualified(copy)} ${trusted(bounds)}`,
        sql`select pg_catalog.set_config('search_path', '', true)`,
        sql`select pg_catalog.pg_get_partition_constraintdef(${lit(qualified(part))}::pg_catalog.regclass) as proof, ${lit(qualified(copy))}::pg_catalog.regclass::pg_catalog.oid::bigint as copy`,
        sql`rollback`,
      ],
      ';\n',
    ),
  )
  const found = results.at(-2)?.[0] as { proof: string; copy: number } | undefined
  if (found === undefined) throw new BellowsError('statement_failed', 'The server made no partition.')
  const { proof, copy: oid } = found
  // The rows of a hash partition are told by the table, too.
  return { proof: proof.replaceAll(`'${oid}'::oid`, () => `'${real.oid}'::oid`) }
}
