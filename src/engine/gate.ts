import { BellowsError } from '../core/errors.ts'
import { clearColumnState, closeDoorSql, DOOR } from '../core/plan/column-state.ts'
import { dependentsQuery } from '../core/plan/dependents.ts'
import type { GateStep } from '../core/plan/step.ts'
import type { Event } from '../core/run/event.ts'
import { contractGate, type GateFacts } from '../core/run/gate.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { transactWithLocks } from './lock.ts'
import type { Transaction } from './ports.ts'

/**
 * Closes the door, looks, and decides. Open: the door stays closed for the transaction that hides the column, which looks once
 * more. Closed: the door is opened again, and the journal says why.
 * @throws BellowsError with every reason
 */
export async function passGate(engine: Driving, run: number, gate: GateStep): Promise<void> {
  const closing = closeDoorSql(gate.table, gate.column, engine.settings.gate.doorMs)
  await written(engine, run, gate, { statements: [closing], events: [] })
  const facts = await look(engine, gate)
  const verdict = contractGate(facts, engine.settings.gate)
  if (verdict.open) {
    const opened: Event = { type: 'gate_opened', because: verdict.because, overrides: verdict.overrides }
    await written(engine, run, gate, { statements: [], events: [opened] })
    return
  }
  const blocking = facts.needing.filter((one) => one.blocks)
  const closed: Event = { type: 'gate_closed', because: verdict.because, blocking: namesOf(blocking) }
  await written(engine, run, gate, {
    statements: [clearColumnState(gate.table, gate.column)],
    events: [closed],
  })
  throw new BellowsError(verdict.code, `The contract waits: ${verdict.because.join('; ')}.`, {
    step: gate.id,
    hint: verdict.hint,
    facts: {
      ...unlessEmpty('blocking_instances', namesOf(blocking)),
      ...unlessEmpty('silent', namesOf(blocking.filter(({ state }) => state === 'silent'))),
      ...unlessEmpty(
        'dependents',
        facts.dependents.map(({ kind, name }) => `${kind} ${name}`),
      ),
    },
  })
}

function namesOf(instances: GateFacts['needing']): readonly string[] {
  return instances.map(({ instance }) => instance)
}

function unlessEmpty(name: string, values: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return values.length === 0 ? {} : { [name]: values }
}

async function look(engine: Driving, { table, column }: GateStep): Promise<GateFacts> {
  const { database, instances, settings } = engine
  return {
    column: `"${table.name}"."${column}"`,
    needing: await instances.needing(table, column, settings.gate.silentGraceMs),
    everRegistered: (await instances.list()).length > 0,
    dependents: await database.read(sql`${dependentsQuery(table, column)} order by 1, 2`),
  }
}

/** For the transaction that hides or drops a column: nobody can register until it ends, and nobody needs the column. */
export function requireNobodySql(
  engine: Driving,
  { table, column }: Pick<GateStep, 'table' | 'column'>,
): Sql {
  return sql`select bellows.require_nobody(${lit(table.namespace)}, ${lit(table.name)}, ${lit(column)}, ${lit(engine.settings.gate.silentGraceMs)})`
}

async function written(
  engine: Driving,
  run: number,
  gate: GateStep,
  what: Pick<Transaction, 'statements' | 'events'>,
): Promise<void> {
  const bounds = {
    locks: [],
    waitsFor: [DOOR],
    requires: [],
    statementTimeoutMs: engine.settings.holdTimeoutMs,
  }
  await transactWithLocks(engine, { run, step: gate.id, ...bounds, ...what })
}
