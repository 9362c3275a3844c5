import { BellowsError } from '../core/errors.ts'
import type { GateCheck, GateRules, Override } from '../core/gate/check.ts'
import { asksForQuiet } from '../core/gate/checks.ts'
import type { GateFacts } from '../core/gate/facts.ts'
import { contractGate, type GateVerdict } from '../core/gate/gate.ts'
import { loosenedBy } from '../core/gate/loosened.ts'
import { replaySentence } from '../core/gate/replay.ts'
import { shortList } from '../core/gate/short-list.ts'
import { transactionsCheck } from '../core/gate/transactions.ts'
import { DOOR } from '../core/plan/column-state.ts'
import type { GateStep } from '../core/plan/step.ts'
import type { Event } from '../core/run/event.ts'
import type { Run } from '../core/run/run.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Driving, Engine } from './context.ts'
import { gatherEvidence, oldTransactions } from './evidence.ts'
import { besideOf, closeDoorOf, columnArguments, doorStaysOf, type Gated, openDoorOf } from './gated.ts'
import { holds } from './holds.ts'
import { transactWithLocks } from './lock.ts'
import { note } from './note.ts'
import type { Transaction } from './ports.ts'
import type { GateSettings } from './settings.ts'
import { unusedSince } from './unused.ts'

/** What a gate that was passed leaves for the transaction that hides the column. */
export interface Passed {
  /** Must still hold there. */
  readonly requires: readonly Sql[]
  /** Asks once more, whoever is far from the transaction included, when its lock was not had at once. */
  readonly lookAgain: () => Promise<void>
  /** What was gone without, checks and parts of them, with the evidence: recorded there, or not at all. */
  readonly overridden: readonly Event[]
}

/**
 * Closes the door, looks, and decides. Open: the door stays closed for the transaction that hides the column, which looks once
 * more. Closed: the door is opened again, and the journal says why.
 * @throws BellowsError with every reason
 */
export async function passGate(engine: Driving, run: Run, gate: GateStep): Promise<Passed> {
  const closing = closeDoorOf(gate, engine.settings.gate.doorMs)
  await written(engine, run.id, gate, { statements: [closing], events: [] })
  const rules = rulesFrom(engine.settings.gate)
  const facts = await lookUntilTransactionsEnd(engine, { run, gate, rules })
  const verdict = contractGate(facts, rules)
  if (verdict.open) {
    for (const replay of facts.replays) engine.notify({ type: 'standby', because: replaySentence(replay) })
    const opened: Event = { type: 'gate_opened', because: verdict.because, overrides: verdict.overrides }
    await written(engine, run.id, gate, { statements: [], events: [opened] })
    return passed(engine, { run, gate, rules }, { facts, verdict })
  }
  throw await closed(engine, run, gate, { facts, verdict })
}

/**
 * Looks once more, right before what a gate guards. Where much of the time is over for which its door is closed, as behind steps that
 * read a large table, the gate is passed anew: whoever came through an open door is seen, and the door stays closed long enough.
 * @throws BellowsError with every reason
 */
export async function passAgain(engine: Driving, run: Run, gate: GateStep, passed: Passed): Promise<Passed> {
  if (!(await holds(engine, doorStaysOf(gate, engine.settings.gate.doorMs / 2))))
    return await passGate(engine, run, gate)
  await passed.lookAgain()
  return passed
}

/**
 * Whatever keeps a contract from going on behind its gates, be it another gate or a lock: nobody stays locked out for that. What is
 * hidden by then stays so.
 */
export async function orOpened(
  engine: Driving,
  run: Run,
  gates: readonly GateStep[],
  contract: () => Promise<void>,
): Promise<void> {
  try {
    await contract()
  } catch (error) {
    // A driver that was lost meanwhile cannot; then they open by themselves.
    await note(engine, run.id, [], gates.map(openDoorOf)).catch(() => undefined)
    throw error
  }
}

/**
 * Looks ahead, with the door open, where something that takes long comes before the gate. Transactions may end until then.
 * @throws BellowsError with every reason
 */
export async function refuseClosed(engine: Driving, run: Run, gate: GateStep): Promise<void> {
  const facts = { ...(await gatherEvidence(engine, run, gate)), transactions: [] }
  const verdict = contractGate(facts, rulesFrom(engine.settings.gate))
  if (!verdict.open) throw await closed(engine, run, gate, { facts, verdict })
}

async function closed(
  engine: Driving,
  run: Run,
  gate: GateStep,
  { facts, verdict }: { readonly facts: GateFacts; readonly verdict: ClosedVerdict },
): Promise<BellowsError> {
  const blocking = namesOf(blockingOf(facts))
  const event: Event = { type: 'gate_closed', because: verdict.because, blocking }
  await written(engine, run.id, gate, { statements: [openDoorOf(gate)], events: [event] })
  return refusal(facts, verdict, gate.id)
}

type ClosedVerdict = Extract<GateVerdict, { open: false }>

/** A gate on its way to be passed. */
interface Passing {
  readonly run: Run
  readonly gate: GateStep
  readonly rules: GateRules
}

/** Whoever was in a transaction when the door was closed is most often about to end it. */
async function lookUntilTransactionsEnd(engine: Driving, { run, gate, rules }: Passing): Promise<GateFacts> {
  const { transactionsMs } = engine.settings.gate
  const { pollMs } = engine.settings.driver
  const facts = await gatherEvidence(engine, run, gate)
  const keep = (transactions: GateFacts['transactions']) =>
    transactionsCheck(facts.column, { ...facts, transactions }, rules).state === 'red'
  if (!keep(facts.transactions)) return facts
  for (let waitedMs = 0; waitedMs < transactionsMs; waitedMs += pollMs) {
    await engine.clock.sleep(pollMs)
    if (!keep(await oldTransactions(engine, gate))) break
  }
  // Everything else has aged meanwhile.
  return await gatherEvidence(engine, run, gate)
}

/** For the transaction that hides the column: what was seen holds there, too, with the table locked and the door held. */
function passed(
  engine: Driving,
  { run, gate, rules }: Passing,
  { facts, verdict }: { readonly facts: GateFacts; readonly verdict: Extract<GateVerdict, { open: true }> },
): Passed {
  const { checks, overrides } = verdict
  const isRequired = (name: GateCheck['check']) =>
    rules.unregistered === 'refuse' && checks.some(({ check, state }) => check === name && state === 'green')
  const isWatched =
    asksForQuiet(facts, rules) && checks.some(({ check, state }) => check === 'usage' && state === 'green')
  const beside = besideOf(gate, facts.staying?.version)
  return {
    requires: [
      nobodySql(gate, {
        ...(beside === undefined ? {} : { thing: facts.column, beside }),
        grace_ms: engine.settings.gate.silentGraceMs,
        instances: rules.overrides.flatMap(({ instance }) => (instance === undefined ? [] : [instance])),
        sessions: isRequired('sessions'),
        transactions: isRequired('transactions'),
      }),
      ...(isWatched ? unusedSince(gate, facts) : []),
    ],
    lookAgain: async () => {
      const now = await gatherEvidence(engine, run, gate)
      const verdict = contractGate(now, rules)
      if (!verdict.open) throw refusal(now, verdict, gate.id)
    },
    overridden: [...overrides, ...loosenedBy(engine.settings.gate, engine.settings.gate.reason)].map(
      (override) => ({
        type: 'gate_overridden',
        ...override,
        column: {
          namespace: gate.table.namespace,
          table: gate.table.name,
          ...(gate.column === undefined ? {} : { column: gate.column }),
          ...(gate.thing === undefined ? {} : { thing: gate.thing.called }),
        },
        evidence: checks.filter(({ check }) => check === override.check),
        actor: engine.actor,
      }),
    ),
  }
}

/**
 * Refuses what the gate of a column would refuse, before something is done on the way to it that would stay. No more than a
 * look: the gate looks again, with its door closed.
 */
export async function refuseWhileNeeded(engine: Engine, of: Gated): Promise<void> {
  const facts = await gatherEvidence(engine, undefined, of)
  const verdict = contractGate(facts, rulesFrom(engine.settings.gate))
  if (!verdict.open) throw refusal(facts, verdict)
}

/** That nobody ever registered is gone without in the way of every other check. */
export function rulesFrom({ whenNoneRegistered, reason, overrides, ...rules }: GateSettings): GateRules {
  const nobody: readonly Override[] =
    whenNoneRegistered === 'allow' ? [{ check: 'leases', reason: reason ?? 'no reason was given' }] : []
  return { ...rules, overrides: [...overrides, ...nobody] }
}

function refusal(facts: GateFacts, { code, because, hint }: ClosedVerdict, step?: string): BellowsError {
  const blocking = blockingOf(facts)
  // All of them are in the facts, and what "bellows gate" says.
  return new BellowsError(code, `The contract waits: ${shortList(because).join('; ')}.`, {
    ...(step === undefined ? {} : { step }),
    hint,
    facts: {
      ...unlessEmpty('blocking_instances', namesOf(blocking)),
      ...unlessEmpty('silent', namesOf(blocking.filter(({ state }) => state === 'silent'))),
      ...unlessEmpty(
        'dependents',
        facts.dependents.found.map(({ kind, name }) => `${kind} ${name}`),
      ),
    },
  })
}

function blockingOf({ needing }: GateFacts): GateFacts['needing'] {
  return needing.filter((one) => one.blocks)
}

function namesOf(instances: GateFacts['needing']): readonly string[] {
  return instances.map(({ instance }) => instance)
}

function unlessEmpty(name: string, values: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return values.length === 0 ? {} : { [name]: values }
}

/** For the transaction that takes a column back which a rollback drops: no instance uses it, whoever else there is. */
export function requireNobodySql(engine: Driving, of: Gated): Sql {
  return nobodySql(of, { grace_ms: engine.settings.gate.silentGraceMs })
}

/** Nobody can register until the transaction ends, and nobody needs the column. */
function nobodySql(of: Gated, rules: Readonly<Record<string, unknown>>): Sql {
  return sql`select bellows.require_nobody(${columnArguments(of)}, ${lit(JSON.stringify(rules))})`
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
