import { BellowsError } from '../core/errors.ts'
import type { Estimate } from '../core/plan/estimate.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { BackfillStep } from '../core/plan/step.ts'
import { sql, trusted } from '../core/sql.ts'
import { isShort, type LogKept, needOf, type Room, roomText } from '../core/throttle/room.ts'
import { estimate, fillsOf } from './backfill/estimate.ts'
import { NO_RUN } from './brake/refuse-blind.ts'
import type { Engine } from './context.ts'

/** What the backfills of a plan need on the disk, and what is there. Nothing where there are none, or no reserve is kept. */
export async function readRoom(engine: Engine, plan: Plan): Promise<Room | undefined> {
  return await roomFor(engine, fillsOf(plan), await estimate(engine, plan))
}

/**
 * A disk that is full stops everybody, so what does not fit is not begun.
 * @throws BellowsError `no_room` where it is known that there is too little
 */
export async function refuseWithoutRoom(
  engine: Engine,
  fills: readonly BackfillStep[],
  estimates: readonly Estimate[],
): Promise<void> {
  const room = await roomFor(engine, fills, estimates)
  if (room === undefined || !isShort(room)) return
  const { needBytes, freeBytes, reserveBytes } = room
  throw new BellowsError('no_room', `There is too little room on the disk: the backfill ${roomText(room)}.`, {
    hint: 'Make room, then run the same command again. Where the figures are not those of your disk, say better ones under "brake" in the config file: diskBytes, diskReserveBytes.',
    facts: { need_bytes: needBytes, free_bytes: freeBytes, reserve_bytes: reserveBytes },
  })
}

async function roomFor(
  engine: Engine,
  [fill]: readonly BackfillStep[],
  estimates: readonly Estimate[],
): Promise<Room | undefined> {
  const limits = engine.settings.brake
  const { diskReserveBytes, diskBytes } = limits
  if (fill === undefined || estimates.length === 0 || diskReserveBytes === 'off') return undefined
  const look = await engine.signals.look({ run: NO_RUN, table: fill.table, signals: ['disk'], diskBytes })
  const { disk } = look.readings
  const [log] = await engine.database.read<LogKept>(LOG_KEPT)
  if (log === undefined) return undefined
  return {
    needBytes: needOf(estimates, log, limits),
    freeBytes: disk !== undefined && 'value' in disk ? disk.value.freeBytes : null,
    reserveBytes: diskReserveBytes,
  }
}

const LOG_KEPT = sql`
select pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) as ${trusted('"logBytesMax"')},
    pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) as ${trusted('"fileBytes"')},
    exists (select from pg_catalog.pg_replication_slots) as ${trusted('"hasSlots"')},
    pg_catalog.current_setting('archive_mode') <> 'off' as ${trusted('"isArchived"')}`
