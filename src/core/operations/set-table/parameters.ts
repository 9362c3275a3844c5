import type { LockLevel } from '../../plan/step.ts'

const VACUUM = [
  'autovacuum_enabled',
  'autovacuum_vacuum_threshold',
  'autovacuum_vacuum_max_threshold',
  'autovacuum_vacuum_scale_factor',
  'autovacuum_vacuum_insert_threshold',
  'autovacuum_vacuum_insert_scale_factor',
  'autovacuum_vacuum_cost_delay',
  'autovacuum_vacuum_cost_limit',
  'autovacuum_freeze_min_age',
  'autovacuum_freeze_max_age',
  'autovacuum_freeze_table_age',
  'autovacuum_multixact_freeze_min_age',
  'autovacuum_multixact_freeze_max_age',
  'autovacuum_multixact_freeze_table_age',
  'log_autovacuum_min_duration',
  'vacuum_index_cleanup',
  'vacuum_max_eager_freeze_failure_rate',
  'vacuum_truncate',
]

/**
 * The storage parameters of a table, each with the lock that changing it takes. Source: `access/common/reloptions.c`; the locks
 * are traced in test/acceptance/set-table.test.ts. A server that is older than a parameter says so.
 */
export const STORAGE_PARAMETERS: ReadonlyMap<string, LockLevel> = new Map([
  ...[
    'fillfactor',
    'toast_tuple_target',
    'parallel_workers',
    'autovacuum_analyze_threshold',
    'autovacuum_analyze_scale_factor',
    ...VACUUM,
    ...VACUUM.map((name) => `toast.${name}`),
  ].map((name) => [name, 'share_update_exclusive'] as const),
  ['user_catalog_table', 'access_exclusive'],
])

/** Options are `name=value`. */
export function nameOfOption(option: string): string {
  return option.slice(0, option.indexOf('='))
}
