export interface Hazard {
  readonly code: HazardCode
  /** A sentence: what can happen and to whom. */
  readonly because: string
}

export type HazardCode =
  | 'stops_clients'
  | 'scans'
  | 'drops_values'
  | 'goes_with_column'
  | 'goes_with_table'
  | 'column_is_last'
  | 'seen_by_all'
  | 'stays_wide'
  | 'explicit_null_read_as_omitted'
  | 'grows_stale'
  | 'forward_only'
  | 'narrow_until_contract'
  | 'user_triggers_fire'
  | 'blocks_contract'
  | 'may_break'
  | 'upsert_race'
  | 'column_slots'
  | 'log_grows'
  | 'follows_rename'
  | 'waits_for_transactions'
  | 'ends_hot_updates'
  | 'allows_duplicates'
  | 'slower_queries'
  | 'old_writers_may_fail'
  | 'not_indexed'
  | 'name_may_be_used'
  | 'same_default'
  | 'not_refused_any_more'
  | 'unsafe'
  | 'stays'
