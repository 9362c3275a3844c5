import { BellowsError } from '../../core/errors.ts'
import { cutToBytes, IDENTIFIER_BYTES_MAX } from '../../core/identifier.ts'
import { boundsProblem } from '../../core/plan/bounds.ts'
import type { BoundFacts, BoundNeed } from '../../core/schema/bounds.ts'
import { boundKey } from '../../core/schema/bounds.ts'
import type { Facts } from '../../core/schema/facts.ts'
import { lit, qualified, regclass, sql, trusted } from '../../core/sql.ts'
import { type Scratch, scratchFor } from './scratch.ts'
import type { Sessions } from './sessions.ts'

/**
 * Makes each partition of an empty copy of its table, in a transaction that is taken back: only the server knows what a bound
 * comes to. Of a table that is not partitioned nothing is known.
 */
export async function tryBounds(sessions: Sessions, needs: readonly BoundNeed[]): Promise<Facts['bounds']> {
  const facts: Record<string, Facts['bounds'][string]> = {}
  if (needs.length === 0) return facts
  const scratch = await scratchFor(sessions)
  for (const need of needs) {
    const [found] = await sessions.read<{ key: string | null; oid: number | null }>(
      sql`select pg_catalog.pg_get_partkeydef(t) as key, t::pg_catalog.oid::bigint as oid from ${regclass(need.table)} t`,
    )
    if (boundsProblem(need.bounds) !== undefined || typeof found?.key !== 'string') continue
    const real = { key: found.key, oid: found.oid ?? 0 }
    facts[boundKey(need)] = await tried({ sessions, scratch }, need, real).catch((error: unknown) => {
      if (error instanceof BellowsError && error.code === 'statement_failed')
        return { problem: asCalled(error.message) }
      throw error
    })
  }
  return facts
}

/** The server says names that are made up here. */
function asCalled(message: string): string {
  return message
    .replace(/\.$/, '')
    .replaceAll(`"${PART}"`, 'it')
    .replaceAll(/partition "\d+ ([^"]*)"/g, 'partition "$1"')
    .replace(/^Partition it/, 'It')
}

const PART = 'bellows_part'

async function tried(
  { sessions, scratch }: { readonly sessions: Sessions; readonly scratch: Scratch },
  { table, bounds }: BoundNeed,
  real: { readonly key: string; readonly oid: number },
): Promise<BoundFacts> {
  const others = await sessions.read<{ name: string; bounds: string }>(sql`
select c.relname as name, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bounds
  from pg_catalog.pg_inherits h join pg_catalog.pg_class c on c.oid = h.inhrelid
  where h.inhparent = ${regclass(table)} and not h.inhdetachpending order by c.oid`)
  const { namespace } = scratch
  const copy = qualified({ namespace, name: table.name })
  const part = qualified({ namespace, name: PART })
  // The others are there, too, each under a name of its own: which of them overlaps, the server says.
  const other = (one: (typeof others)[number], at: number) => {
    const name = cutToBytes(`${at + 1} ${one.name}`, IDENTIFIER_BYTES_MAX)
    return sql`create table ${qualified({ namespace, name })} partition of ${copy} ${trusted(one.bounds)}`
  }
  const results = await scratch.try([
    sql`create table ${copy} (like ${qualified(table)}) partition by ${trusted(real.key)}`,
    ...others.map(other),
    sql`create table ${part} partition of ${copy} ${trusted(bounds)}`,
    sql`select pg_catalog.set_config('search_path', '', true)`,
    sql`select pg_catalog.pg_get_partition_constraintdef(${lit(part)}::pg_catalog.regclass) as proof, ${lit(copy)}::pg_catalog.regclass::pg_catalog.oid::bigint as copy`,
  ])
  const found = results.at(-1)?.[0] as { proof: string; copy: number } | undefined
  if (found === undefined) throw new BellowsError('statement_failed', 'The server made no partition.')
  const { proof, copy: oid } = found
  // The rows of a hash partition are told by the table, too.
  return { proof: proof.replaceAll(`'${oid}'::oid`, () => `'${real.oid}'::oid`) }
}
