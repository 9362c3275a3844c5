import type { Replay } from '../core/gate/replay.ts'
import { sql } from '../core/sql.ts'
import type { Standby } from './ports.ts'

const REPLAY = sql`
select r.is as "isStandby",
    case when r.is then pg_catalog.pg_is_wal_replay_paused() else false end as "isPaused",
    coalesce((select wait_event_type = 'Lock' or wait_event like 'RecoveryConflict%' from pg_catalog.pg_stat_activity
      where backend_type = 'startup'), false) as "isWaiting",
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()) as "behindBytes",
    extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) * 1000 as "behindMs",
    (select setting::integer from pg_catalog.pg_settings where name = 'max_standby_streaming_delay') as "patienceMs",
    coalesce((select confl_lock from pg_catalog.pg_stat_database_conflicts where datname = pg_catalog.current_database()), 0) as cancelled
  from (select pg_catalog.pg_is_in_recovery() as is) r`

/** How every listed standby follows. */
export async function readReplays(standbys: readonly Standby[]): Promise<readonly Replay[]> {
  const replays = standbys.map(async ({ name, read }) => {
    // That one cannot be asked is told by its sessions and its use.
    const rows = await read<Omit<Replay, 'standby'>>(REPLAY).catch(() => [])
    return rows.map((row) => ({ ...row, standby: name }))
  })
  return (await Promise.all(replays)).flat()
}
