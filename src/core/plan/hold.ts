import { qualified } from '../sql.ts'
import type { StepDraft } from './step.ts'
import { WHOLE_SINCE } from './whole-keys.ts'

/** So long may a step hold up whoever comes while it has its locks; for longer somebody has to say why. */
export const HOLD_MAX_MS = 100

/** Twice what bench/keys measures on two cores with little else to do; where more is to be done than there are cores it takes longer still. */
const KEYED_TABLE_MS = 1.5

/** The same of a partition that has a foreign key of its own to another one, which goes as the table takes it over. */
const KEY_TO_PART_MS = 0.15

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

/** The tables that nobody can use meanwhile. */
export function stoppedBy(step: StepDraft): readonly string[] {
  const locks = 'locks' in step ? step.locks : []
  const stopped = locks.filter(({ level }) => level === 'access_exclusive')
  return [...new Set(stopped.map(({ relation }) => qualified(relation)))]
}

/** For how long about a step stops clients, where that goes by the number of tables. */
export function holdMs(step: StepDraft, serverVersion: number): number | undefined {
  return keyedHoldMs(step) ?? takingHoldMs(step, serverVersion)
}
