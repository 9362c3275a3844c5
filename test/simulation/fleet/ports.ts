import { DEFAULT_SETTINGS, mergedSettings } from '../../../src/config.ts'
import type { Silence } from '../../../src/core/gate/leases.ts'
import type { Watch } from '../../../src/core/gate/watch.ts'
import type { CheckResult } from '../../../src/core/rollout/rules.ts'
import type { Sql } from '../../../src/core/sql.ts'
import type { Driving } from '../../../src/engine/context.ts'
import type { Database, Deployer, Driver } from '../../../src/engine/ports.ts'
import type { GateSettings } from '../../../src/engine/settings.ts'
import { type Kills, mortalDeployer, mortalEffects } from '../mortal.ts'
import type { SimulatedDatabase } from './database.ts'
import type { SimulatedJournal } from './journal.ts'
import { jsonIn } from './literals.ts'
import type { Timeline } from './timeline.ts'
import { GATE, RETIRE, transact } from './transact.ts'

export interface PortsOptions {
  readonly time: Timeline
  readonly database: SimulatedDatabase
  readonly journal: SimulatedJournal
  readonly deployer?: Deployer
  readonly gate: GateSettings
  readonly kills: Kills
  /** How long it takes until something that the driver asks for is done. */
  readonly delayMs: () => number
  readonly check: () => CheckResult
  /** The column disappears for everybody. */
  readonly onHide: () => void
}

/**
 * The ports of a driver over the simulated world. What decides is the engine: it reads, closes the door, looks, decides and
 * writes its transactions as it does on a real server. The statements that it sends are its own; here is only what each means
 * to the model, and one that is not known is an error. There is one driver at a time, so that no fence is needed.
 */
export function simulatedPorts(options: PortsOptions): Driving {
  const { time, database, journal, deployer, gate, check } = options
  const mortal = mortalEffects(options.kills)
  const effect: typeof mortal = (name, work) => {
    time.pass(options.delayMs())
    return mortal(name, work)
  }
  const read = (query: Sql) => effect('read', () => answerTo(query, options))
  const driver: Partial<Driver> = {
    epoch: 1,
    beat: () => effect('beat', () => undefined),
    transact: (transaction) => effect('transact', () => transact(options, transaction)),
  }
  const reading: Partial<Database> = {
    read: read as Database['read'],
    write: (statement) => effect('write', () => keepWatch(statement, database)),
    blockers: () => effect('blockers', () => []),
    dependents: () => effect('dependents', () => ({ found: [], areJobsHidden: false })),
  }
  return {
    settings: mergedSettings(DEFAULT_SETTINGS, { gate }),
    actor: { user: 'test', host: 'test', tool: 'test' },
    notify: () => undefined,
    isStopping: () => false,
    standbys: [],
    driver: driver as Driver,
    database: reading as Database,
    instances: {
      needing: (_table: unknown, _column: unknown, { graceMs }: Silence) =>
        effect('needing', () => database.needing(graceMs)),
      release: (instance: string) => effect('release', () => database.registry.release(instance)),
    } as Driving['instances'],
    journal: { ...journal.journal, runs: (which) => effect('runs', () => journal.journal.runs(which)) },
    rollouts: {
      ...journal.rollouts,
      look: (run, after) => effect('look', () => journal.rollouts.look(run, after)),
    },
    checks: { ask: async () => check() },
    signals: {} as Driving['signals'],
    clock: { sleep: async (ms) => time.pass(ms), passed: () => 0, random: () => 0.5 },
    ...(deployer === undefined ? {} : { deployer: mortalDeployer(deployer, effect) }),
  }
}

/** A read of the engine, told by what is its own in it, and the rows that the model has for it. */
type Answer = (options: PortsOptions, query: Sql) => readonly object[]

const ANSWERS: readonly (readonly [fragment: string, answer: Answer])[] = [
  ['from bellows.strangers(', ({ database }) => database.strangers()],
  [
    'from bellows.old_transactions(',
    ({ database, time, gate }) => {
      const state = database.registry.column()
      return database.oldTransactions(state?.sinceMs ?? time.nowMs() - gate.transactionsMs)
    },
  ],
  ['bellows.server_identity()', () => [{ identity: '1/1', extension: null }]],
  ['as counts', () => [{ table: true, counts: true }]],
  [
    'as "countedSinceMs"',
    ({ database }) => [{ count: database.sessions.writes.count, countedSinceMs: database.startMs }],
  ],
  ['as "lastSeenMs"', ({ database }) => database.sessions.writes.last],
  [
    'as "lastThereMs"',
    ({ database, time }) => [
      { nowMs: time.nowMs(), now: String(time.nowMs()), lastThereMs: database.lastThereMs() },
    ],
  ],
  ['from bellows.watch', ({ database: { watch } }) => (watch === undefined ? [] : [{ state: watch }])],
  ['from bellows.client c', () => []],
  ['pg_replication_slots', () => []],
  // There is one run, and what is to stay came with the last rollout of it.
  ['select seq from bellows.event', () => []],
  // Its table has no partitions.
  ['asked (at, relation)', () => []],
  ['from bellows.brownout', () => []],
  [
    // There is one table, which all of them use.
    'exists (select from bellows.instance) as anybody',
    ({ database: { registry } }) => [
      { anybody: registry.entries.size > 0, users: registry.entries.size > 0 },
    ],
  ],
  ['as holds', ({ database }, query) => [{ holds: isDone(database, query) }]],
]

function answerTo(query: Sql, options: PortsOptions): readonly object[] {
  const found = ANSWERS.find(([fragment]) => query.includes(fragment))
  if (found === undefined) throw new Error(`the model does not know this query: ${query}`)
  return found[1](options, query)
}

/** Of the probes only those of the two steps are asked that the journal does not have yet. */
function isDone({ registry }: SimulatedDatabase, query: Sql): boolean {
  const step = [GATE, RETIRE].find(({ probe }) => query.includes(probe))
  if (step === undefined) throw new Error(`the model does not know this probe: ${query}`)
  return registry.column()?.state === 'retired'
}

function keepWatch(statement: Sql, database: SimulatedDatabase): void {
  if (!statement.startsWith('insert into bellows.watch')) throw new Error(`unknown: ${statement}`)
  database.watch = jsonIn(statement) as Watch
}
