import type { Brownout } from '../core/gate/brownout.ts'
import { countedOf } from '../core/gate/counted.ts'
import type { Evidence, GateFacts } from '../core/gate/facts.ts'
import { type Look, stoodAgainst } from '../core/gate/stood.ts'
import type { OldTransaction } from '../core/gate/transactions.ts'
import { countSql } from '../core/plan/counter.ts'
import { takesAway } from '../core/plan/drop-order.ts'
import { called } from '../core/plan/leaver.ts'
import { touchesOf } from '../core/plan/needs.ts'
import type { Run } from '../core/run/run.ts'
import type { Dependents } from '../core/schema/model.ts'
import { lit, sql } from '../core/sql.ts'
import { declaredClients } from './clients.ts'
import type { Engine } from './context.ts'
import { besideOf, type Gated, scopeOf } from './gated.ts'
import { inventoryOf } from './inventory.ts'
import { keepWatch } from './keep-watch.ts'
import { readOldTransactions } from './old-transactions.ts'
import { foundOn, readLockingOnStandbys, readStandbys } from './on-standbys.ts'
import { readRegistered } from './registered.ts'
import { readReplays } from './replay.ts'
import { readReplications } from './replications.ts'
import { stayingOf } from './staying.ts'
import { readSessions } from './strangers.ts'
import { readUse } from './use.ts'

/** Everything that the gate of a column goes by, as it is at this moment, and since when it has been so. */
export async function gatherEvidence(
  engine: Engine,
  run: Run | undefined,
  of: Gated,
  look: Look = 'decision',
): Promise<GateFacts> {
  const seen = await seenNow(engine, run, of)
  const watch = await keepWatch(engine, run?.id, of, { ...seen.usage, stood: stoodAgainst(seen, look) })
  return { ...seen, watch }
}

async function seenNow(engine: Engine, run: Run | undefined, of: Gated): Promise<Evidence> {
  const { database, instances, settings } = engine
  const rolledOut = await stayingOf(engine, run?.id)
  const staying = of.thing === undefined ? undefined : rolledOut.version
  const standbys = await readStandbys(engine, of)
  const beside = besideOf(of, staying)
  const silence = {
    graceMs: settings.gate.silentGraceMs,
    elsewhere: [...new Set(foundOn(standbys, 'sessions').map(({ application }) => application))],
    ...(beside === undefined ? {} : { beside }),
  }
  const needing = await instances.needing(of.table, scopeOf(of), silence)
  return {
    column: called(of),
    migration: run?.plan.migration.name ?? '',
    needing,
    ...(await readRegistered(engine, of, run)),
    ...(of.thing === undefined ? {} : { staying: staying === undefined ? {} : { version: staying } }),
    ...(run === undefined ? {} : await inventoryOf(engine, rolledOut, run)),
    sessions: await readSessions(engine, of, staying, standbys),
    transactions: [
      ...(await readOldTransactions(database, of, settings.gate)),
      ...foundOn(standbys, 'transactions'),
    ],
    replays: await readReplays(engine.standbys),
    clients: await declaredClients(engine, run?.id),
    replications: [...(await readReplications(database, of)), ...foundOn(standbys, 'slots')],
    ...(await lastBrownout(engine, of)),
    dependents: without(await database.dependents(of), of, run),
    // Last, because it tells the time: whoever was seen was there before.
    usage: await readUse(engine, run?.id, of, staying),
  }
}

/**
 * What the same migration takes away first does not hold it up, nor what follows it to another name. That the order is right is
 * seen to when the plan is made, and once more by the step that drops.
 */
function without(
  { found, areJobsHidden }: Dependents,
  { along = [], follows, thing }: Gated,
  run: Run | undefined,
): Dependents {
  const touches = thing === undefined || run === undefined ? [] : touchesOf(run.plan.migration)
  const counts = ({ kind, name, bound }: Dependents['found'][number]) =>
    !along.includes(name) &&
    (follows !== true || bound !== true) &&
    (bound !== true || !touches.some((touch) => takesAway(touch, `${kind} ${name}`)))
  return { found: found.filter(counts), areJobsHidden }
}

/** On the primary whoever may use what leaves; on standbys whoever has it locked. */
export async function oldTransactions(engine: Engine, of: Gated): Promise<readonly OldTransaction[]> {
  const { database, settings } = engine
  const onPrimary = await readOldTransactions(database, of, settings.gate)
  return [...onPrimary, ...(await readLockingOnStandbys(engine, of))]
}

async function lastBrownout({ database }: Engine, of: Gated): Promise<Pick<GateFacts, 'brownout'>> {
  const { counter } = of
  if (counter === undefined) return {}
  const [brownout] = await database.read<Brownout>(sql`
select began, until, until <= pg_catalog.clock_timestamp() as "isOver", ${countSql(counter)} - writes as refused
  from bellows.brownout where counter = ${lit(counter)}`)
  return brownout === undefined ? {} : { brownout: { ...brownout, counted: countedOf(of) } }
}
