import type { Instance, Registered, Registration } from '../core/gate/instance.ts'
import type { Needing, Silence } from '../core/gate/leases.ts'
import type { Needs } from '../core/operations/needs.ts'
import type { Leaver } from '../core/plan/leaver.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { Lock, Requirement } from '../core/plan/step.ts'
import type { RolloutHistory } from '../core/rollout/begin.ts'
import type { RolloutLook } from '../core/rollout/decide.ts'
import type { RolloutRequest } from '../core/rollout/event.ts'
import type { Check, CheckResult } from '../core/rollout/rules.ts'
import type { ApplicationFacts } from '../core/run/application-diagnosis.ts'
import type { Blocker } from '../core/run/blocker.ts'
import type { Actor, Event, JournalEntry } from '../core/run/event.ts'
import type { StoredRun } from '../core/run/run.ts'
import type { Facts } from '../core/schema/facts.ts'
import type { Dependents, QualifiedName, Schema } from '../core/schema/model.ts'
import type { Sql } from '../core/sql.ts'
import type { Decision } from '../core/throttle/decide.ts'
import type { Look, SignalsAsked } from '../core/throttle/readings.ts'

export type { Cluster, Deployer, Page, Pager } from './deploy-ports.ts'

/** A short transaction. It goes to the server as one message, COMMIT included: no lock is held across a round trip. */
export interface Transaction {
  readonly run: number
  /** Statements before the locks: what they wait for is waited for while nobody else is stopped. */
  readonly ahead?: readonly Sql[]
  readonly locks: readonly Lock[]
  readonly lockTimeoutMs: number
  /** How long a statement that asks for a lock again and again may do so; none does when it is absent. */
  readonly lockDeadlineMs?: number
  readonly statementTimeoutMs: number
  /** Checked after the locks and before the statements. */
  readonly requires: readonly Requirement[]
  readonly statements: readonly Sql[]
  /** Must hold after the statements, or nothing happened. */
  readonly probe?: Sql
  readonly events: readonly Event[]
}

/** What a transaction brought. */
export interface Committed {
  /** What the last statement returned that has a column `result`, of type json. */
  readonly result: unknown
  /** The same of a column `took`. */
  readonly took?: unknown
  readonly recorded: readonly Recorded[]
}

export interface Recorded {
  readonly seq: number
  readonly version?: number
  readonly schema?: string
}

/** A connection for transactions one after the other. */
export interface Lane {
  transact(transaction: Transaction): Promise<Committed>
  close(): Promise<void>
}

/** What a backfill is worked at with. Every transaction is fenced by the epoch of a driver; after a takeover none commits any more. */
export interface Hands {
  readonly epoch: number
  transact(transaction: Transaction): Promise<Committed>
  /** A further connection, fenced as this one, for transactions side by side. */
  lane(): Promise<Lane>
  /** Runs a statement and takes it back: fails as it would fail, changes nothing. */
  rehearse(statements: readonly Sql[], bounds: Bounds): Promise<void>
}

type Bounds = Pick<Transaction, 'lockTimeoutMs' | 'statementTimeoutMs'>

/** The one who may change things. */
export interface Driver extends Hands {
  startRun(plan: Plan): Promise<number>
  /** Lets the history begin here: these files count as applied, and the schema is recorded as it is. */
  setBaseline(files: Readonly<Record<string, string>>): Promise<void>
  /** A statement that cannot run in a transaction, on the connection that holds the driver's lock. */
  outside(statement: Sql, bounds: Bounds): Promise<void>
  beat(): Promise<void>
  release(): Promise<void>
}

/** Somebody else who is the driver. */
export interface Holder {
  /** For people: application, pid, address. */
  readonly who: string
  /** Milliseconds since its last heartbeat; absent when it has not told yet. */
  readonly silentForMs?: number
}

export interface Instances {
  register(registration: Registration): Promise<Registered>
  renew(instance: string, uses?: readonly string[], health?: string): Promise<Registered>
  release(instance: string): Promise<void>
  /**
   * By somebody else, for whom it is written down. Was it registered?
   * @throws BellowsError `config_invalid` where its lease goes on and no reason is given
   */
  releaseByHand(instance: string, by: { readonly actor: Actor; readonly reason?: string }): Promise<boolean>
  list(): Promise<readonly Instance[]>
  needing(table: QualifiedName, column: string | undefined, silence: Silence): Promise<readonly Needing[]>
}

export interface Database {
  /** Rows of a query that changes nothing. */
  read<Row>(query: Sql): Promise<readonly Row[]>
  /** One statement about what was observed or said, beside any run: it changes nothing that a driver guards. */
  write(statement: Sql): Promise<void>
  /** Rows of what a user wrote: in a read-only transaction of its own, with the search_path that the role has by default; behind a statement before it. */
  readOnly<Row>(query: Sql, timeoutMs: number, before?: Sql): Promise<readonly Row[]>
  /** The same behind statements that make tables of the moment, which it finds without a namespace. Nothing of them stays. */
  readMade<Row>(query: Sql, timeoutMs: number, made: readonly Sql[]): Promise<readonly Row[]>
  introspect(needs: Needs): Promise<{ readonly schema: Schema; readonly facts: Facts }>
  /** What would break without it. */
  dependents(of: Leaver): Promise<Dependents>
  /** Sessions that hold a lock in the way of these. */
  blockers(locks: readonly Lock[]): Promise<readonly Blocker[]>
  tryToDrive(): Promise<Driver | Holder>
  /** For somebody who is not the driver and works under its epoch. Takes no driver's lock. */
  helpDriver(epoch: number): Promise<Hands & Pick<Lane, 'close'>>
  /** Who is the driver at the moment, if anybody is. */
  holder(): Promise<Holder | undefined>
  /** Ends the sessions of a driver that is silent for longer, and takes its place. */
  takeOver(staleMs: number): Promise<void>
  close(): Promise<void>
}

/** A server that follows the primary, and that applications read from. */
export interface Standby {
  /** Address without the password, for people. */
  readonly name: string
  read<Row>(query: Sql): Promise<readonly Row[]>
  close(): Promise<void>
}

/** The way that an application takes to the database: its own URL, a pooler perhaps between. */
export interface Application {
  /** Connects as it would, and changes nothing. That it cannot is an answer. */
  look(): Promise<ApplicationFacts>
}

/** `open` runs are neither completed nor rolled back. */
export type WhichRuns = 'all' | 'open' | { readonly id: number } | { readonly migration: string }

export interface Journal {
  /** Makes the namespace `bellows` when it is not there yet. */
  install(): Promise<void>
  isInstalled(): Promise<boolean>
  /**
   * Is it there? For whoever writes into it without being the driver who would upgrade it.
   * @throws BellowsError when it is of another version than this Bellows
   */
  isOfThisVersion(): Promise<boolean>
  /** Oldest first. A plan is large and runs grow in number, so whoever needs few asks for few. */
  runs(which: WhichRuns): Promise<readonly StoredRun[]>
  /** Of some runs, in the order of their positions; of rollouts only what says how they stand, see `Rollouts`. */
  entries(runs: readonly number[]): Promise<readonly JournalEntry[]>
  checkpoint(step: string): Promise<Checkpoint | undefined>
}

/** How far a step that works through a table has come. */
export interface Checkpoint {
  readonly state: unknown
  readonly rowsDone: number
  readonly rowsTotal: number
  readonly finished: boolean
  /** Seconds from the first to the last batch. */
  readonly seconds: number
}

/** What the journal has of rolling deployments. */
export interface Rollouts {
  /** Of one run: what was written and asked for behind a position, oldest first, and what time it is. */
  look(run: number, after: { readonly entry: number; readonly request: number }): Promise<RolloutLook>
  history(): Promise<RolloutHistory>
  /** Asks whoever drives the rollout of a run. Needs no driver, and disturbs none. */
  ask(run: number, request: RolloutRequest): Promise<void>
}

/** Answers what a user wants to hold between two batches. What goes wrong in asking is an answer: `unknown`. */
export interface Checks {
  ask(check: Check, timeoutMs: number): Promise<CheckResult>
}

/** What the brake goes by, on sessions of its own: it waits for no batch. */
export interface Signals extends Checks {
  /** That one of them cannot be read is an answer about it. */
  look(asked: SignalsAsked): Promise<Look>
  /** Lets others see what holds the run back. */
  tell(run: number, decision: Decision): Promise<void>
  close(): Promise<void>
}

/** Waits, and tells how long it took. What decides by the time of day uses the clock of the database, inside the query. */
export interface Clock {
  /** Milliseconds since some moment, by a clock that only goes forward. */
  passed(): number
  /** Ends early, and not by an error, when the signal is given. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Between 0 and 1. */
  random(): number
}

export interface Ports {
  readonly database: Database
  readonly journal: Journal
  readonly instances: Instances
  readonly rollouts: Rollouts
  readonly checks: Checks
  readonly signals: Signals
  readonly clock: Clock
  readonly standbys: readonly Standby[]
}
