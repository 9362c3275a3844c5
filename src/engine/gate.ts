import { BellowsError } from '../core/errors.ts'
import { clearColumnState, closeDoorSql } from '../core/plan/column-state.ts'
import { dependentsQuery } from '../core/plan/dependents.ts'
import type { GateStep } from '../core/plan/step.ts'
import type { Event } from '../core/run/event.ts'
import { contractGate, type GateFacts } from '../core/run/gate.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { transactWithLocks } from './lock.ts'

/**
 * Closes the door, looks, and decides. Open: the door stays closed for the transaction that hides the column, which looks once
 * more. Closed: the door is opened again, and the journal says why.
 * @throws BellowsError with every reason
 */
export async function passGate(engine: Driving, run: number, gate: GateStep): Promise<void> {
  await changed(engine, run, gate, [closeDoorSql(gate.table, gate.column, engine.settings.gate.doorMs)], [])
  const facts = await look(engine, gate)
  const verdict = contractGate(facts, engine.settings.gate)
  if (verdict.open) {
    await changed(
      engine,
      run,
      gate,
      [],
      [{ type: 'gate_opened', because: verdict.because, overrides: verdict.overrides }],
    )
    return
  }
  const blocking = facts.needing.filter((one) => one.blocks).map((one) => one.instance)
  const closed: Event = { type: 'gate_closed', because: verdict.because, blocking }
  await changed(engine, run, gate, [clearColumnState(gate.table, gate.column)], [closed])
  throw new BellowsError(verdict.code, `The contract waits: ${verdict.because.join('; ')}.`, {
    step: gate.id,
    hint: verdict.hint,
    facts: {
      ...(blocking.length > 0 ? { blocking_instances: blocking } : {}),
      ...(facts.needing.some((one) => one.blocks && one.state === 'silent')
        ? {
            silent: facts.needing
              .filter((one) => one.blocks && one.state === 'silent')
              .map((one) => one.instance),
          }
        : {}),
      ...(facts.dependents.length > 0
        ? { dependents: facts.dependents.map(({ kind, name }) => `${kind} ${name}`) }
        : {}),
    },
  })
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

async function changed(
  engine: Driving,
  run: number,
  gate: GateStep,
  statements: readonly Sql[],
  events: readonly Event[],
): Promise<void> {
  const { holdTimeoutMs } = engine.settings
  await transactWithLocks(engine, {
    run,
    step: gate.id,
    locks: [],
    statementTimeoutMs: holdTimeoutMs,
    requires: [],
    statements,
    events,
  })
}
