import { BellowsError } from '../core/errors.ts'
import { loosePartName } from '../core/plan/index-parts.ts'
import { createIndexSql } from '../core/plan/index-text.ts'
import type { StandingParts } from '../core/plan/parts.ts'
import { allStandSql, type BarePart, barePartsSql } from '../core/plan/standing-parts.ts'
import { id, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { holds } from './holds.ts'
import { outside } from './outside.ts'
import { stopIfAsked } from './stop.ts'

/** So often a partition may come just before the transaction that needs what stands in each. */
const ROUNDS_MAX = 10

/** Builds what each partition lacks, one by one, while writers go on; which are left is asked anew behind each. */
export async function standInEach(engine: Driving, parts: StandingParts): Promise<void> {
  for (;;) {
    stopIfAsked(engine)
    const [part] = await engine.database.read<BarePart>(barePartsSql(parts))
    if (part === undefined) return
    for (const name of part.leftovers)
      await outside(engine, sql`drop index concurrently if exists ${id(part.namespace)}.${id(name)}`)
    const index = { name: loosePartName(parts, part), tablespace: parts.tablespace }
    await outside(engine, createIndexSql(index, part, parts.using, 'concurrently'))
  }
}

/** A partition that comes between the build and the lock has it built behind that: nothing is read while everybody waits. */
export async function standing(
  engine: Driving,
  { stands = [] }: { readonly stands?: readonly StandingParts[] },
  work: () => Promise<void>,
): Promise<void> {
  for (let round = 1; ; round += 1) {
    for (const parts of stands) await standInEach(engine, parts)
    try {
      await work()
      return
    } catch (error) {
      const isDrift = error instanceof BellowsError && error.code === 'drift_found'
      if (!isDrift || round >= ROUNDS_MAX || (await allStand(engine, stands))) throw error
    }
  }
}

async function allStand(engine: Driving, stands: readonly StandingParts[]): Promise<boolean> {
  for (const parts of stands) if (!(await holds(engine, allStandSql(parts)))) return false
  return true
}
