import { CLUSTER_NAME } from './postmaster.ts'

type Settings = Readonly<Record<string, string>>

const COMMON: Settings = {
  cluster_name: CLUSTER_NAME,
  // Shared memory as files of the data folder: a server that is killed leaves none behind in the system's own place.
  dynamic_shared_memory_type: 'mmap',
  logging_collector: 'off',
  log_destination: 'stderr',
  max_connections: '100',
  shared_buffers: '128MB',
  wal_level: 'logical',
}

/** A temporary folder is worth nothing after a crash, so nothing is spent on surviving one. */
const TEMPORARY: Settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

/** Later settings win: the caller's over ours, but the address over both, as the URL depends on it. */
export function serverArguments(pgdata: string, kept: boolean, ...later: readonly Settings[]): string[] {
  const settings: Settings = Object.assign({}, COMMON, kept ? {} : TEMPORARY, ...later)
  return ['-D', pgdata, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}
