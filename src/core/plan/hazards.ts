import type { QualifiedName, Table } from '../schema/model.ts'
import { shown } from '../sql.ts'
import type { Renamed } from './copied.ts'
import type { Hazard } from './hazard.ts'
import { changedHoldMs, keyedHoldMs } from './hold.ts'
import type { Step, StepDraft } from './step.ts'

/** Dangers that follow from what a step is, whatever operation it belongs to. */
export function stepHazards(step: StepDraft): readonly Hazard[] {
  if (!('locks' in step)) return []
  const stopped = step.locks
    .filter((lock) => lock.level === 'access_exclusive' && !isMade(step, lock.relation))
    .map((lock) => shown(lock.relation.name))
  const tables = [...new Set(stopped)]
  return [
    ...(stopped.length === 0
      ? []
      : [
          {
            code: 'stops_clients' as const,
            because: `Every statement on ${counted(tables)} waits while the step holds its lock: for the lock timeout at most, and then for ${holdText(step)}.`,
          },
        ]),
    ...('cost' in step && step.cost === 'scan'
      ? [{ code: 'scans' as const, because: 'Reads the whole table once; readers and writers go on.' }]
      : []),
  ]
}

function holdText(step: StepDraft): string {
  const ms = keyedHoldMs(step)
  const changedMs = changedHoldMs(step) ?? 0
  const isShort = ms === undefined && changedMs < TOLD_MS
  if (isShort) return 'some milliseconds'
  const why = ms === undefined ? 'each of them is changed' : 'the keys of all partitions go over together'
  return `some ${ms ?? changedMs} milliseconds, as ${why}; on a server that has more to do than it has cores for, several times that`
}

/** What takes less is not told in figures. */
const TOLD_MS = 10

/** More names than these say nothing that their number does not: a table may have hundreds of partitions. */
const NAMES_SHOWN = 5

function counted(names: readonly string[]): string {
  if (names.length <= NAMES_SHOWN) return names.join(' and ')
  return `${names.slice(0, NAMES_SHOWN - 1).join(' and ')} and ${names.length - NAMES_SHOWN + 1} more tables, ${names.length} in all,`
}

/** A backfill updates rows, and whoever listens for that hears of it. */
export function userTriggersFire(table: Table): readonly Hazard[] {
  return table.triggers
    .filter((trigger) => trigger.enabled && trigger.onUpdate)
    .map(({ name, asksForBackfill, rowLevel }) => {
      const when = rowLevel
        ? 'every row that the backfill fills'
        : 'every batch of the backfill, also one that fills no row'
      return {
        code: 'user_triggers_fire',
        because: asksForBackfill
          ? `The trigger ${shown(name)} looks at the setting bellows.backfill: whether it does anything for ${rowLevel ? 'the rows that the backfill fills' : 'the batches of the backfill'} is up to it.`
          : `The trigger ${shown(name)} fires for ${when}. One that is not to fire looks at the setting bellows.backfill.`,
      }
    })
}

/** Of the twin of a unique index. */
export function upsertRace({ from }: Renamed): Hazard {
  return {
    code: 'upsert_race',
    because: `Until the contract two unique indexes guard the same values: of two INSERT ... ON CONFLICT ("${from}") of one new key at the same instant, one can fail with a unique violation instead of taking its DO arm.`,
  }
}

/** Nobody waits for a table that was not there before. */
function isMade({ changes }: StepDraft, { name }: QualifiedName): boolean {
  return (
    (changes?.kind === 'created' && changes.table === name) ||
    (changes?.kind === 'renamed' && changes.to === name)
  )
}

/** What hangs on a column, or a table, that is to leave, or may do so: PostgreSQL keeps no record of what the text of a function names. */
export function leavingHazards(
  { name: table, dependents, mentions }: Pick<Table, 'name' | 'dependents' | 'mentions'>,
  column?: string,
): readonly Hazard[] {
  const hanging = dependents.filter((one) => one.column === column)
  const isSure = ({ name }: { readonly name: string }) => hanging.some((one) => one.name === name)
  return [
    ...hanging.map(({ kind, name }) => ({
      code: 'blocks_contract' as const,
      because: `The ${kind} ${name} uses "${column ?? table}". Change or drop it before the contract, which never cascades.`,
    })),
    ...mentions
      .filter((one) => one.column === column && !isSure(one))
      .map(({ kind, name }) => ({
        code: 'may_break' as const,
        because: `The ${kind} ${name} may use "${column ?? table}" in its text.`,
      })),
  ]
}

/** Does everything that the old version of the application does still work after these steps? */
export function keepsOldClients(steps: readonly Step[]): boolean {
  return steps.every((step) => step.kind !== 'retire' && step.kind !== 'purge')
}
