import { COUNTED, countedOf } from '../core/gate/counted.ts'
import type { GateFacts } from '../core/gate/facts.ts'
import { nobodyCameSql } from '../core/plan/counter.ts'
import { join, lit, type Sql, sql } from '../core/sql.ts'
import { countsSql } from './counted.ts'
import type { Gated } from './gated.ts'
import { PRIMARY } from './use.ts'

/**
 * For the transaction behind a gate, with its locks taken and statistics read anew: every counter of this server says what it said when
 * the gate looked, and still counts. Counters of standbys cannot be read from here. See decision 0065.
 */
export function unusedSince(of: Gated, { column, usage }: GateFacts): readonly Sql[] {
  const { counter } = of
  const since = 'since the gate looked'
  const still = usage.servers.find(({ server }) => server === PRIMARY)?.still ?? []
  const isUnused = `${column} was used ${since}, or what counts that was reset`
  return [
    ...(counter === undefined || usage.writes === undefined
      ? []
      : [
          nobodyCameSql(counter, usage.writes.count, `${column} ${COUNTED[countedOf(of)].happened} ${since}`),
          required(countsSql(of, counter), `what counts the use of ${column} was switched off ${since}`),
        ]),
    ...(still.length === 0 ? [] : [required(join(still, '\n and '), isUnused)]),
  ]
}

function required(that: Sql, otherwise: string): Sql {
  return sql`select bellows.require(${that}, 'gate_closed', ${lit(otherwise)})`
}
