import { BellowsError } from '../../../src/core/errors.ts'
import {
  clearColumnState,
  closeDoorSql,
  doorIsClosed,
  holdDoorSql,
  openDoorSql,
  setColumnState,
} from '../../../src/core/plan/column-state.ts'
import { countSql } from '../../../src/core/plan/counter.ts'
import type { GateStep, TransactionStep } from '../../../src/core/plan/step.ts'
import { id, type Sql, sql } from '../../../src/core/sql.ts'
import { countsSql } from '../../../src/engine/counted.ts'
import type { Committed, Transaction } from '../../../src/engine/ports.ts'
import type { NobodyRules, SimulatedDatabase } from './database.ts'
import { PLAN } from './journal.ts'
import { jsonIn } from './literals.ts'
import type { PortsOptions } from './ports.ts'

export const GATE = PLAN.steps.find((step) => step.kind === 'gate') as GateStep
export const RETIRE = PLAN.steps.find((step) => step.kind === 'retire') as TransactionStep
const { table, column = '', counter = '' } = GATE

/** Long enough for somebody to come between the checks of a transaction and its end. */
const WITHIN_MS = 20

/** A transaction as the server does it: it waits for its locks, checks everything, and then happens as a whole or not at all. */
export function transact(options: PortsOptions, transaction: Transaction): Committed {
  const { time, database, journal } = options
  const { registry, sessions } = database
  const { locks, lockTimeoutMs, ahead = [], requires, statements, events } = transaction
  const needsDoor = [...ahead, ...statements].some((one) => one.includes(holdDoorSql()))
  if (needsDoor) {
    if (!time.passUntil(() => registry.within() === 0, lockTimeoutMs)) throw lockNotHad('the door')
    registry.hold()
  }
  try {
    if (locks.length > 0) {
      sessions.want()
      if (!time.passUntil(() => sessions.holders() === 0, lockTimeoutMs)) throw lockNotHad(table.name)
    }
    for (const { that, code, otherwise } of requires)
      if (!holds(database, that)) throw new BellowsError(code, otherwise)
    const effects = statements.map((statement) => effectOf(statement, options))
    if (locks.length > 0) time.pass(WITHIN_MS)
    for (const effect of effects) effect()
    return { result: undefined, recorded: events.map((event) => ({ seq: journal.write(event) })) }
  } finally {
    if (needsDoor) registry.letGo()
    if (locks.length > 0) sessions.letGo()
  }
}

/** What else is required is about indexes and dependents, of which the model has none. */
function holds({ registry, time }: SimulatedDatabase, that: Sql): boolean {
  if (that === doorIsClosed(table, column)) {
    const { untilMs = 0 } = registry.column() ?? {}
    return untilMs > time.nowMs()
  }
  if (RETIRE.requires.some((one) => one.that === that)) return true
  throw new Error(`the model does not know this requirement: ${that}`)
}

const RENAMES = `alter table ${id(table.namespace)}.${id(table.name)} rename column ${id(column)} to `
const UNWRITTEN = sql`select bellows.require(${countSql(counter)} = `

const STILL_COUNTS = sql`select bellows.require(${countsSql(GATE, counter)}, `
const SAME_SERVER = 'select bellows.require(bellows.server_identity() = '

/** Checks what a statement checks, and tells what it does at the end. */
function effectOf(statement: Sql, options: PortsOptions): () => void {
  const { database, onHide } = options
  const { registry, sessions } = database
  const { doorMs } = options.gate
  if (statement.startsWith('select bellows.require_nobody(')) {
    const blocking = database.somebody(jsonIn(statement) as NobodyRules)
    if (blocking !== undefined) throw new BellowsError('gate_closed', `the column is ${blocking}`)
    return nothing
  }
  if (statement.startsWith(UNWRITTEN)) {
    if (Number.parseInt(statement.slice(UNWRITTEN.length), 10) !== sessions.writes.count)
      throw new BellowsError('gate_closed', 'the column was written')
    return nothing
  }
  // Nobody in the model switches a trigger off, or starts the server anew.
  if (statement.startsWith(STILL_COUNTS) || statement.startsWith(SAME_SERVER)) return nothing
  if (statement === closeDoorSql(table, column, doorMs)) return () => registry.close(doorMs)
  if (statement === openDoorSql(table, column)) return () => registry.open()
  if (statement === clearColumnState(table, column)) return () => registry.set(undefined)
  if (statement === setColumnState(table, column, 'retired')) return () => registry.set({ state: 'retired' })
  if (statement.startsWith(RENAMES)) return onHide
  // What others change of the schema is no business of the gate.
  if (/^select bellows\.(?:take_up|leave)_run\(/.test(statement)) return nothing
  // The dual write of the new shape: nobody here looks at it.
  if (RETIRE.statements.includes(statement)) return nothing
  throw new Error(`the model does not know this statement: ${statement}`)
}

const nothing = (): void => undefined

function lockNotHad(what: string): BellowsError {
  return new BellowsError('lock_not_had', `the lock of ${what} was not had`)
}
