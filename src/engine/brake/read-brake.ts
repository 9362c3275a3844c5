import { relationExists } from '../../core/plan/probes.ts'
import { lit, sql } from '../../core/sql.ts'
import { askedHolds, askedSql } from '../../core/throttle/asked.ts'
import type { Decision } from '../../core/throttle/decide.ts'
import type { Asked } from '../../core/throttle/readings.ts'
import type { Engine } from '../context.ts'
import { holds } from '../holds.ts'

/** What holds a run back, as whoever works on it has told a moment ago. */
export type BrakeState = Pick<Decision, 'pace' | 'because'>

/** An older journal that is only read knows of no brake. */
export async function hasThrottle(engine: Engine): Promise<boolean> {
  return await holds(engine, relationExists({ namespace: 'bellows', name: 'throttle' }))
}

/** What was told longer ago is void: whoever told it is gone. */
export const VOID_SECONDS = 15

export async function readBrake(engine: Engine, run: number): Promise<BrakeState | undefined> {
  if (!(await hasThrottle(engine))) return undefined
  const [found] = await engine.database.read<BrakeState>(sql`
select pace, because from bellows.brake
  where run = ${lit(run)} and at > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(VOID_SECONDS)})`)
  // Where nobody is at work whoever begins will stand still.
  return found ?? (await readAskedPause(engine, run))
}

/** The pause that somebody has asked for, which is not over. */
export async function readAskedPause(engine: Engine, run: number): Promise<BrakeState | undefined> {
  const [found] = await engine.database.read<{ asked: Asked | null }>(sql`select ${askedSql(run)} as asked`)
  const [hold] = askedHolds(found?.asked ?? null)
  return hold?.share === 0 ? { pace: 'pause', because: [hold.because] } : undefined
}
