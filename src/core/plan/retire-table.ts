import type { QualifiedName, Table } from '../schema/model.ts'
import { id, qualified, type Sql, sql } from '../sql.ts'
import { clearColumnState, doorIsClosed, setColumnState } from './column-state.ts'
import { aloneLock } from './locks.ts'
import { all, relationAbsent, relationExists } from './probes.ts'
import type { GateStep, Requirement, TransactionStep } from './step.ts'
import { tableHasNoDependents } from './table-dependents.ts'

/** A table on its way out: first renamed aside, where nobody finds it and nothing of it is lost, and later dropped. */
export interface LeavingTable {
  readonly table: QualifiedName
  /** Its name between retire and purge, in the same namespace. */
  readonly hidden: QualifiedName
  readonly kind: Table['kind']
  /** What depends on it and goes before it in the same migration, by name. */
  readonly along: readonly string[]
}

export function tableGateStep({ table, along }: Pick<LeavingTable, 'table' | 'along'>): Omit<GateStep, 'id'> {
  return {
    kind: 'gate',
    phase: 'rollout',
    does: `wait until nobody needs "${table.name}"`,
    hazards: [],
    probe: relationAbsent(table),
    table,
    ...(along.length === 0 ? {} : { along }),
  }
}

export function tableDoorIsClosed(table: QualifiedName): Requirement {
  return {
    that: doorIsClosed(table, undefined),
    code: 'gate_expired',
    otherwise: `the gate of "${table.name}" has lapsed; look again`,
  }
}

/** What must still hold in the transaction that takes a name away from clients. */
export function tableLeavingRequirements({
  table,
  along,
}: Pick<LeavingTable, 'table' | 'along'>): readonly Requirement[] {
  return [
    tableDoorIsClosed(table),
    {
      that: tableHasNoDependents(table, along),
      code: 'dependents_found',
      otherwise: `something depends on "${table.name}" since the gate was passed`,
    },
  ]
}

/** A name is all that changes: indexes, sequences, triggers, grants and rows stay where they are. */
export function hideTableStep(leaving: LeavingTable): Omit<TransactionStep, 'id'> {
  const { table, hidden, kind } = leaving
  return {
    kind: 'retire',
    phase: 'retire',
    does: `hide the table "${table.name}"`,
    hazards: [],
    probe: all([relationAbsent(table), relationExists(hidden)]),
    locks: [aloneLock({ ...table, kind }, 'access_exclusive')],
    requires: tableLeavingRequirements(leaving),
    statements: hideTableSql(leaving),
    cost: 'instant',
    retires: { table },
  }
}

/** Brings the hidden table back under its name, which somebody may have given away meanwhile. */
export function showTableStep(leaving: LeavingTable): Omit<TransactionStep, 'id'> {
  const { table, hidden, kind } = leaving
  return {
    kind: 'ddl',
    phase: 'retire',
    does: `bring the table "${table.name}" back`,
    hazards: [],
    probe: all([relationExists(table), relationAbsent(hidden)]),
    locks: [aloneLock({ ...hidden, kind }, 'access_exclusive')],
    requires: [nameIsFree(leaving)],
    statements: showTableSql(leaving),
    cost: 'instant',
  }
}

type Names = Pick<LeavingTable, 'table' | 'hidden'>

export function hideTableSql({ table, hidden }: Names): readonly Sql[] {
  return [
    sql`alter table ${qualified(table)} rename to ${id(hidden.name)}`,
    setColumnState(table, undefined, 'retired'),
  ]
}

export function showTableSql({ table, hidden }: Names): readonly Sql[] {
  return [
    sql`alter table ${qualified(hidden)} rename to ${id(table.name)}`,
    clearColumnState(table, undefined),
  ]
}

export function nameIsFree({ table }: Names): Requirement {
  return {
    that: relationAbsent(table),
    code: 'drift_found',
    otherwise: `there is another "${table.name}" by now; rename that one first`,
    early: true,
  }
}
