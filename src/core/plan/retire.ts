import type { QualifiedName, Table } from '../schema/model.ts'
import { id, qualified, type Sql, sql } from '../sql.ts'
import { clearColumnState, doorIsClosed, setColumnState } from './column-state.ts'
import { hasNoDependents, nothingElseOn } from './dependents.ts'
import { all, columnAbsent, columnExists } from './probes.ts'
import type { GateStep, Lock, Requirement, StepDraft, TransactionStep } from './step.ts'

/** A column on its way out: first renamed aside, where nobody sees it and nothing is lost, and later dropped. */
export interface Leaving {
  readonly table: QualifiedName
  readonly column: string
  /** Its name between retire and purge. */
  readonly hidden: string
  /** Names of the indexes and constraints on it that the plan has taken care of. */
  readonly known: readonly string[]
  /** How the names of indexes begin that the plan builds on single partitions, whichever these are. */
  readonly standing?: string
  /** Where writes of it are counted. */
  readonly counter?: string
  readonly counts?: 'changes'
  /** Foreign keys that point at it and have twins, as dependents are called. */
  readonly along?: readonly string[]
}

/** The indexes and constraints of a table that need a column, by name. */
export function companionsOf(table: Table, column: string): readonly string[] {
  return [...table.indexes, ...table.constraints]
    .filter((one) => one.columns.includes(column))
    .map((one) => one.name)
}

export function gateStep({ table, column, counter, counts, along }: Leaving): Omit<GateStep, 'id'> {
  return {
    kind: 'gate',
    phase: 'rollout',
    does: `wait until nobody needs "${table.name}"."${column}"`,
    hazards: [],
    probe: columnAbsent(table, column),
    table,
    column,
    ...(counter === undefined ? {} : { counter }),
    ...(counts === undefined ? {} : { counts }),
    ...(along === undefined ? {} : { along }),
  }
}

/**
 * Hides the column. `more` keeps the rest of the table in step with the new name, in the same transaction, and other tables, which
 * it locks as well.
 */
export function retireStep(
  leaving: Leaving,
  more: Pick<TransactionStep, 'requires' | 'statements'> & { readonly also?: readonly Lock[] },
): StepDraft {
  const { table, column, hidden } = leaving
  return {
    kind: 'retire',
    shares: { table, at: 'hide' },
    phase: 'retire',
    does: `hide the column "${column}" of "${table.name}"`,
    hazards: [],
    probe: all([columnAbsent(table, column), columnExists(table, hidden)]),
    locks: [{ relation: table, level: 'access_exclusive' }, ...(more.also ?? [])],
    requires: [...leavingRequirements(leaving), ...more.requires],
    statements: [
      renameSql(table, column, hidden),
      setColumnState(table, column, 'retired'),
      ...more.statements,
    ],
    cost: 'instant',
    retires: { table, column },
  }
}

/** At retire the column still has its name, at purge its hidden one. */
export function noStrangers({ table, column, known, standing }: Leaving, name: string): Requirement {
  return {
    that: nothingElseOn(table, name, known, standing),
    code: 'drift_found',
    otherwise: `an index or a constraint was put on "${table.name}"."${column}" since the plan was made; it would be lost`,
  }
}

function leavingRequirements(leaving: Leaving): readonly Requirement[] {
  const { table, column, along } = leaving
  return [
    noStrangers(leaving, column),
    {
      that: doorIsClosed(table, column),
      code: 'gate_expired',
      otherwise: `the gate of "${column}" has lapsed; look again`,
    },
    {
      that: hasNoDependents(table, column, along),
      code: 'dependents_found',
      otherwise: `something depends on "${table.name}"."${column}" since the gate was passed`,
    },
  ]
}

/** Brings the hidden column back under its name, which somebody may have given away meanwhile. */
export function undoStep(
  { table, column, hidden }: Leaving,
  more: readonly Sql[],
  also: readonly Lock[] = [],
  ahead: readonly Sql[] = [],
): StepDraft {
  return {
    kind: 'ddl',
    shares: { table, at: 'show' },
    phase: 'retire',
    does: `bring the column "${column}" of "${table.name}" back`,
    hazards: [],
    probe: all([columnExists(table, column), columnAbsent(table, hidden)]),
    locks: [{ relation: table, level: 'access_exclusive' }, ...also],
    requires: [
      {
        that: sql`not ${columnExists(table, column)}`,
        code: 'drift_found',
        otherwise: `there is another "${column}" in "${table.name}" by now, and the old one is still hidden; rename that one first`,
        early: true,
      },
    ],
    ...(ahead.length === 0 ? {} : { ahead }),
    statements: [renameSql(table, hidden, column), clearColumnState(table, column), ...more],
    cost: 'instant',
  }
}

export function renameSql(table: QualifiedName, from: string, to: string): Sql {
  return sql`alter table ${qualified(table)} rename column ${id(from)} to ${id(to)}`
}
