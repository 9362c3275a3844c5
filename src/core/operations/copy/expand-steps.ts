import { attributesSql } from '../../plan/attributes.ts'
import { type ColumnState, setColumnState } from '../../plan/column-state.ts'
import { unfilled } from '../../plan/dual-write.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { installCounterSql } from '../../plan/old-writes.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, columnExists, dualWriteStands } from '../../plan/probes.ts'
import { installSql } from '../../plan/row-trigger.ts'
import { rewriteBound, staysFree } from '../../plan/small-table.ts'
import type { LockLevel, StepDraft, TransactionStep } from '../../plan/step.ts'
import type { Tried, Trying } from '../../plan/tried.ts'
import { primaryKey } from '../../schema/model.ts'
import { id, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { carriedAttributes, type Work } from './work.ts'

/** What an operation says of a step that it shares with others. */
export interface Said {
  readonly does: string
  readonly hazards: readonly Hazard[]
  /** What instances are told about the new column. */
  readonly state: ColumnState
}

/** The new column and the trigger that keeps it in step, at once. */
export function installStep(work: Work, { does, hazards, state }: Said): StepDraft {
  const { table, to, adopted, duty, installed, counting, fromColumn, toColumn } = work
  const bound = boundOf(work)
  return {
    ...onTable(table),
    ...bound,
    locks: [{ relation: table, level: installLock(work) }],
    kind: 'install_dual_write',
    shares: { table, at: 'install', duty },
    phase: 'expand',
    does,
    hazards: [...hazards, ...(bound.hazards ?? [])],
    probe: all([columnExists(table, to), dualWriteStands(installed)]),
    // A column that nobody is to know yet makes no version.
    ...(adopted || !isNamed(work) ? {} : { changes: { kind: 'added', column: to } as const }),
    statements: [
      ...(adopted ? [] : [addTwinSql(work)]),
      ...installSql(installed),
      ...(counting === undefined ? [] : installCounterSql(counting)),
      ...attributesSql(table, to, toColumn, carriedAttributes(fromColumn, toColumn)),
      setColumnState(table, to, state),
    ],
  }
}

/** A domain with a constraint is looked at row by row, by writing the table anew. */
function isWrittenAnew({ adopted, toColumn }: Work): boolean {
  return !adopted && toColumn.typeConstrained
}

function boundOf(work: Work): Partial<Pick<TransactionStep, 'requires' | 'hazards' | 'cost'>> {
  const { table, to, adopted, toColumn } = work
  if (!isWrittenAnew(work))
    return toColumn.typeKind === 'domain' && !adopted ? { requires: [staysFree(trusted(toColumn.type))] } : {}
  const otherwise = `"${to}" cannot be added without stopping everybody for too long`
  return { ...rewriteBound(table, otherwise, work.unsafe), cost: 'small' }
}

/** A column that is there already needs no more than the trigger, unless the way it is stored changes, too. */
function installLock({ adopted, fromColumn, toColumn }: Work): LockLevel {
  const { storage, compression } = carriedAttributes(fromColumn, toColumn)
  const isStoredAsWanted = storage === toColumn.storage && compression === toColumn.compression
  return adopted && isStoredAsWanted ? 'share_row_exclusive' : 'access_exclusive'
}

function addTwinSql({ table, to, toColumn }: Work): Sql {
  const collation = toColumn.collation === null ? sql`` : sql` collate ${qualified(toColumn.collation)}`
  return sql`alter table ${qualified(table)} add column ${id(to)} ${trusted(toColumn.type)}${collation}`
}

/** Fills the new column of the rows that were there before. */
export function fillStep(work: Work): StepDraft {
  const { table, from, to, mapping } = work
  return {
    kind: 'backfill',
    shares: { table, at: 'fill', columns: [to] },
    phase: 'backfill',
    does: `fill "${to}" from "${from}" where "${table.name}" still lacks it`,
    hazards: [],
    ...(isNamed(work) ? { changes: { kind: 'copied', from, to } as const } : {}),
    table,
    set: sql`${id(to)} = ${mapping.up(id(from))}`,
    unfilled: unfilled(mapping, id(from), id(to)),
    ...triedIn(work),
    key: primaryKey(table),
  }
}

/** What may fail, or give NULL where that is not taken. Into a type that is still to be made nothing can be tried. */
function triedIn(work: Work): Trying {
  const { from, to, adopted, mapping, changesValues, notNull, fromColumn, toColumn, asOwner } = work
  const canFail = changesValues || mapping.down === undefined
  if (asOwner === true || !(canFail || (notNull && fromColumn.nullable))) return {}
  const tried: Tried = {
    column: to,
    called: work.finalName,
    ...(adopted ? {} : { type: trusted(toColumn.type) }),
    from: [from],
    values: [mapping.up(sql`new.${id(from)}`)],
    notNull,
  }
  return { tries: [tried] }
}

function isNamed({ to, finalName }: Work): boolean {
  return to === finalName
}
