import type { GateRules } from '../../../src/core/gate/check.ts'
import type { GateFacts } from '../../../src/core/gate/facts.ts'
import type { UsageFacts, Watch } from '../../../src/core/gate/watch.ts'

export const COLUMN = '"users"."name"'

export const RULES: GateRules = {
  unregistered: 'refuse',
  quietMs: 60_000,
  quietAloneMs: 3_600_000,
  overrides: [],
}

export const NOW_MS = 10_000_000
export const NOW = '2026-11-24 20:10:00+00'

export const usage = (more: Partial<UsageFacts> = {}): UsageFacts => ({
  nowMs: NOW_MS,
  now: NOW,
  servers: [{ server: 'the primary', identity: '1/1' }],
  ...more,
})

/** Quiet for an hour. */
export const watch = (more: Partial<Watch> = {}): Watch => ({
  sinceMs: NOW_MS - 3_600_000,
  because: 'it has never been used since it is watched',
  writes: 0,
  servers: { 'the primary': { identity: '1/1', epoch: '', statements: {} } },
  ...more,
})

/** Nobody needs the column, and somebody had registered. */
export const facts = (more: Partial<GateFacts> = {}): GateFacts => ({
  column: COLUMN,
  migration: '0001_rename',
  needing: [],
  everRegistered: true,
  sessions: { strangers: [], unseen: [] },
  transactions: [],
  replays: [],
  usage: usage(),
  watch: watch(),
  clients: [],
  replications: [],
  dependents: { found: [], areJobsHidden: false },
  ...more,
})

export const stranger = {
  pid: 4711,
  role: 'app',
  application: 'report',
  address: '10.0.0.3',
  since: '2026-11-24T20:00:00+00:00',
  instance: null,
  ofOldRole: false,
} as const

export const oldTransaction = {
  pid: 4712,
  prepared: null,
  role: 'app',
  application: 'report',
  address: null,
  since: '2026-11-24T19:00:00+00:00',
  holds: true,
  hidden: false,
} as const

export const replay = {
  standby: 'postgres://replica/shop',
  isStandby: true,
  isPaused: false,
  isWaiting: false,
  behindBytes: 0,
  behindMs: 3_600_000,
  patienceMs: 30_000,
  cancelled: 0,
} as const

export const client = {
  client: 'metabase',
  role: 'metabase',
  applicationName: null,
  owner: 'data team',
  declaredAt: '2026-11-01T00:00:00+00:00',
  acknowledged: null,
} as const
