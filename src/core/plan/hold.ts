import { qualified, type Sql } from '../sql.ts'
import { conflictsWith } from './locks.ts'
import { KEY_CHANGES, partChanges } from './part-changes.ts'
import { type Lock, leaversOf, type StepDraft, TRANSACTIONS, type TransactionStep } from './step.ts'
import { WHOLE_SINCE } from './whole-keys.ts'

/** So long may a step hold up whoever comes while it has its locks; for longer somebody has to say why. */
export const HOLD_MAX_MS = 100

/** For longer whatever the reason: what takes half of its bound (`holdTimeoutMs`) by estimate may run into that each time, and so never be done. */
export const HOLD_LIMIT_MS = 1_000

/** Twice what bench/keys measures on two cores with little else to do; where more is to be done than there are cores it takes longer still. */
const KEYED_TABLE_MS = 1.5

/** With fewer partitions than that nobody has to say why all may wait for them. */
export const WAITED_PARTS_MIN = Math.floor(HOLD_MAX_MS / KEYED_TABLE_MS)

/** The same of a partition that has a foreign key of its own to another one, which goes as the table takes it over. */
const KEY_TO_PART_MS = 0.15

/**
 * More than what bench/holds measures of the time of the processor for each partition that is changed with its table: for what is asked
 * of it within the lock, and for what all are told at the end; and for each change by itself, of whatever table.
 */
const CHANGED_PART_MS = 0.08
const PART_CHANGE_MS = 0.07

/** The same of a table that is hidden with its partitions: what may use it is asked of each by itself, once more within the lock. */
const HIDDEN_TABLE_MS = 2.2

/** For how long about a step stops clients as keys of all partitions go over, each of which is made one of the new column by itself. */
export function keyedHoldMs(step: StepDraft): number | undefined {
  if (!('stands' in step) || step.stands === undefined) return undefined
  return Math.ceil(KEYED_TABLE_MS * stoppedBy(step).length)
}

/** Before PostgreSQL 18 partitions that point at partitions have a foreign key for each two of them. */
function takingHoldMs(step: StepDraft, serverVersion: number): number | undefined {
  if (step.kind !== 'foreign_key_parts' || step.how !== 'add' || step.columns === undefined) return undefined
  if (serverVersion >= WHOLE_SINCE || !('parts' in step.table)) return undefined
  const { parts } = step.table as { readonly parts: readonly unknown[] }
  const others = stoppedBy(step).length - parts.length
  return Math.ceil(KEY_TO_PART_MS * parts.length * Math.max(others, 0))
}

/** For how long about a step stops clients that changes the partitions of a table with it. */
export function changedHoldMs(step: StepDraft): number | undefined {
  const hidden = leaversOf(step).filter(({ column, thing }) => column === undefined && thing === undefined)
  if (step.kind === 'retire' && hidden.length > 1) return Math.ceil(HIDDEN_TABLE_MS * hidden.length)
  const parts = partsHeldBy(step)
  const count = [...parts.values()].reduce((sum, held) => sum + held.size, 0)
  if (step.kind === 'foreign_key_parts' && step.how === 'add')
    return Math.ceil(heldBy(step).length * (CHANGED_PART_MS + PART_CHANGE_MS * KEY_CHANGES))
  // Steps that work through partitions lock one at a time, until the table takes over the foreign keys of all.
  if (count === 0 || !isTransactionDraft(step) || step.cost === 'scan') return undefined
  const changes = changesOfTables(step, parts)
  return changes === 0 ? undefined : Math.ceil(CHANGED_PART_MS * count + PART_CHANGE_MS * changes)
}

/** Each action as often as there are tables that it goes through: that which its statement names, with the partitions of that. */
function changesOfTables(step: Omit<TransactionStep, 'id'>, parts: HeldParts): number {
  const locked = new Set(step.locks.map(({ relation }) => qualified(relation)))
  const most = (trees: readonly (readonly [Sql, ReadonlySet<Sql>])[]) =>
    Math.max(0, ...trees.map(([, held]) => held.size))
  return partChanges(step.statements).reduce((sum, { table, changes, only, isKey }) => {
    if (only === true) return sum + changes
    // A table that nobody has locked may be called otherwise by then, and an index is of any of them.
    const isKnown = table !== undefined && locked.has(table)
    const own = isKnown ? (parts.get(table)?.size ?? 0) : most([...parts])
    const pointedAt = isKnown && isKey ? most([...parts].filter(([name]) => name !== table)) : 0
    return sum + changes * (1 + own + pointedAt)
  }, 0)
}

function isTransactionDraft(step: StepDraft): step is StepDraft & Omit<TransactionStep, 'id'> {
  return TRANSACTIONS.has(step.kind)
}

/** By the table: its partitions that nobody can write. */
type HeldParts = ReadonlyMap<Sql, ReadonlySet<Sql>>

function partsHeldBy(step: StepDraft): HeldParts {
  const parts = new Map<Sql, Set<Sql>>()
  for (const { relation, partOf } of 'locks' in step ? step.locks.filter(stopsWriters) : []) {
    if (partOf === undefined) continue
    const table = qualified(partOf)
    const held = parts.get(table) ?? new Set()
    parts.set(table, held.add(qualified(relation)))
  }
  return parts
}

/** The tables that nobody can use meanwhile. */
export function stoppedBy(step: StepDraft): readonly string[] {
  return lockedBy(step, ({ level }) => level === 'access_exclusive')
}

/** Those that nobody can write. */
export function heldBy(step: StepDraft): readonly string[] {
  return lockedBy(step, stopsWriters)
}

function stopsWriters({ level }: Lock): boolean {
  return conflictsWith(level).includes('row_exclusive')
}

function lockedBy(step: StepDraft, isMeant: (lock: Lock) => boolean): readonly string[] {
  const locks = 'locks' in step ? step.locks : []
  return [...new Set(locks.filter(isMeant).map(({ relation }) => qualified(relation)))]
}

/** For how long about a step stops clients, where that goes by the number of tables. */
export function holdMs(step: StepDraft, serverVersion: number): number | undefined {
  return keyedHoldMs(step) ?? takingHoldMs(step, serverVersion) ?? changedHoldMs(step)
}
