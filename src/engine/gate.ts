import { BellowsError } from '../core/errors.ts'
import { clearColumnState, closeDoorSql, DOOR } from '../core/plan/column-state.ts'
import { dependentsQuery } from '../core/plan/dependents.ts'
import type { GateStep } from '../core/plan/step.ts'
import { gatesAhead } from '../core/run/due.ts'
import type { Event } from '../core/run/event.ts'
import {
  contractGate,
  type GateCheck,
  type GateFacts,
  type GateVerdict,
  gateChecks,
  isOpen,
  type Usage,
  usageOf,
} from '../core/run/gate.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Driving, Engine } from './context.ts'
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
  throw refusal(facts, verdict, gate.id)
}

/**
 * Refuses what the gate of a column would refuse, before something is done on the way to it that would stay. No more than a
 * look: the gate looks again, with its door closed.
 */
export async function refuseWhileNeeded(engine: Engine, of: Gated): Promise<void> {
  const facts = await look(engine, of)
  const verdict = contractGate(facts, engine.settings.gate)
  if (!verdict.open) throw refusal(facts, verdict)
}

/** What a gate would say at this moment. */
export interface GateReport {
  readonly table: QualifiedName
  readonly column: string
  readonly usage: Usage
  readonly checks: readonly GateCheck[]
  readonly open: boolean
}

/** What each gate that a run has still to pass would say. No more than a look: no door is closed. */
export async function reportGates(engine: Engine, run: Run): Promise<readonly GateReport[]> {
  const reports: GateReport[] = []
  for (const { table, column } of gatesAhead(run)) {
    const facts = await look(engine, { table, column })
    const checks = gateChecks(facts, engine.settings.gate)
    reports.push({ table, column, usage: usageOf(facts), checks, open: isOpen(checks) })
  }
  return reports
}

type Gated = Pick<GateStep, 'table' | 'column'>

function refusal(
  { needing, dependents }: GateFacts,
  { code, because, hint }: Extract<GateVerdict, { open: false }>,
  step?: string,
): BellowsError {
  const blocking = needing.filter((one) => one.blocks)
  return new BellowsError(code, `The contract waits: ${because.join('; ')}.`, {
    ...(step === undefined ? {} : { step }),
    hint,
    facts: {
      ...unlessEmpty('blocking_instances', namesOf(blocking)),
      ...unlessEmpty('silent', namesOf(blocking.filter(({ state }) => state === 'silent'))),
      ...unlessEmpty(
        'dependents',
        dependents.map(({ kind, name }) => `${kind} ${name}`),
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

async function look(engine: Engine, { table, column }: Gated): Promise<GateFacts> {
  const { database, instances, settings } = engine
  return {
    column: `"${table.name}"."${column}"`,
    needing: await instances.needing(table, column, settings.gate.silentGraceMs),
    everRegistered: await wasAnyRegistered(engine),
    dependents: await database.read(sql`${dependentsQuery(table, column)} order by 1, 2`),
  }
}

/** One that is gone counts, too: then the application is one that does tell. */
async function wasAnyRegistered({ database }: Engine): Promise<boolean> {
  const [answer] = await database.read<{ known: boolean }>(
    sql`select exists (select from bellows.instance) as known`,
  )
  return answer?.known === true
}

/** For the transaction that hides or drops a column: nobody can register until it ends, and nobody needs the column. */
export function requireNobodySql(engine: Driving, { table, column }: Gated): Sql {
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
