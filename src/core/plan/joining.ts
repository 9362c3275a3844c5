import { assert } from '../errors.ts'
import { canonical } from '../hash.ts'
import { id, join, type Sql, shown, sql } from '../sql.ts'
import { all } from './probes.ts'
import {
  type BackfillStep,
  changesOf,
  LOCK_LEVELS,
  type Lock,
  leaversOf,
  type Shares,
  type StepDraft,
  type TransactionStep,
  type VerifyStep,
} from './step.ts'
import { validateChecksSql } from './validate.ts'

/** Steps of several operations that are taken as one stand where the first of them stood, or the last. */
export function joined(drafts: readonly StepDraft[], place: 'first' | 'last'): readonly StepDraft[] {
  const together = new Map<string, readonly StepDraft[]>()
  for (const draft of drafts) {
    if (draft.shares === undefined) continue
    const key = keyOf(draft.shares, draft)
    together.set(key, [...(together.get(key) ?? []), draft])
  }
  return drafts.flatMap((draft) => {
    if (draft.shares === undefined) return [draft]
    const group = together.get(keyOf(draft.shares, draft)) ?? []
    if (group.length === 1) return [draft]
    // Nothing is offered before all that belongs to it is there.
    const isAtEnd = place === 'last' || draft.shares.at === 'offer'
    return draft === group.at(isAtEnd ? -1 : 0) ? [asOne(group, draft.shares)] : []
  })
}

function keyOf({ at, group = 0 }: Shares, { phase }: StepDraft): string {
  return `${group} ${phase} ${at}`
}

type Drafted<S> = Omit<S, 'id' | 'probe'> & { readonly shares?: Shares }

function asOne(drafts: readonly StepDraft[], { at }: Shares): StepDraft {
  if (at === 'fill') return oneFill(drafts as readonly Drafted<BackfillStep>[])
  if (at === 'compare') return oneComparison(drafts as readonly Drafted<VerifyStep>[])
  return oneTransaction(drafts as readonly (Omit<TransactionStep, 'id'> & StepDraft)[])
}

/** In a row that waits for one column another may be filled, and holds what nothing gives back: the trigger alone knows which waits. */
function oneFill(drafts: readonly Drafted<BackfillStep>[]): StepDraft {
  const columns = drafts.flatMap(({ shares }) => (shares?.at === 'fill' ? shares.columns : []))
  return {
    ...(drafts as readonly [Drafted<BackfillStep>])[0],
    ...told(drafts),
    set: join(columns.map((column) => sql`${id(column)} = ${id(column)}`)),
    unfilled: sql`(${join(
      drafts.map(({ unfilled }) => unfilled),
      ' or ',
    )})`,
  }
}

function oneComparison(drafts: readonly Drafted<VerifyStep>[]): StepDraft {
  const each = drafts.map(({ unfilled, relation, lossy, columns }) => ({
    unfilled,
    relation,
    lossy,
    columns,
  }))
  const some = (of: 'unfilled' | 'lossy') =>
    sql`(${join(
      each.map((one) => one[of]),
      ' or ',
    )})`
  const named = (side: 'from' | 'to') => each.map(({ columns }) => columns[side]).join('" and "')
  return {
    ...(drafts as readonly [Drafted<VerifyStep>])[0],
    ...told(drafts),
    unfilled: some('unfilled'),
    relation: sql`(${join(
      each.map(({ relation }) => relation),
      ' and ',
    )})`,
    lossy: some('lossy'),
    columns: { from: named('from'), to: named('to') },
    each,
  }
}

/** What several of them would do is done once. */
function oneTransaction(drafts: readonly (Omit<TransactionStep, 'id'> & StepDraft)[]): StepDraft {
  const [first] = drafts as readonly [(typeof drafts)[number]]
  assert(
    drafts.every(({ kind, cost }) => kind === first.kind && cost === first.cost),
    'steps that are taken as one are of one kind',
  )
  const leavers = drafts.flatMap(leaversOf)
  return {
    ...first,
    ...told(drafts),
    probe: all([...new Set(drafts.map(({ probe }) => probe))]),
    locks: oneLock(drafts.flatMap(({ locks }) => locks)),
    requires: unique(drafts.flatMap(({ requires }) => requires)),
    statements: statementsOf(drafts),
    ...andAlso('retires', leavers),
  }
}

/** A table is read once for all that is to be proved of it. */
function statementsOf(drafts: readonly (Omit<TransactionStep, 'id'> & StepDraft)[]): readonly Sql[] {
  const constraints = drafts.flatMap(({ shares }) => (shares?.at === 'validate' ? shares.constraints : []))
  const [table] = drafts.flatMap(({ shares }) => shares?.table ?? [])
  return constraints.length === 0 || table === undefined
    ? [...new Set(drafts.flatMap(({ statements }) => statements))]
    : validateChecksSql(table, constraints)
}

/** What people are told of a step. */
function told(drafts: readonly StepDraft[]): Pick<StepDraft, 'does' | 'hazards' | 'changes' | 'changesAlso'> {
  return {
    does: [...new Set(drafts.map(({ does }) => does))].join('; '),
    hazards: unique(drafts.flatMap(({ hazards }) => hazards)),
    ...andAlso('changes', drafts.flatMap(changesOf)),
  }
}

function andAlso<K extends string, T>(
  name: K,
  [first, ...more]: readonly T[],
): { readonly [P in K]?: T } & { readonly [P in `${K}Also`]?: readonly T[] } {
  if (first === undefined) return {}
  return { [name]: first, ...(more.length === 0 ? {} : { [`${name}Also`]: more }) } as ReturnType<
    typeof andAlso<K, T>
  >
}

/** Of each table the strongest one, once taken ahead and once as the statements go. */
function oneLock(locks: readonly Lock[]): readonly Lock[] {
  const strongest = new Map<string, Lock>()
  for (const lock of locks) {
    const key = `${shown(lock.relation.namespace)}.${shown(lock.relation.name)} ${lock.implied === true}`
    const other = strongest.get(key)
    if (other === undefined || LOCK_LEVELS.indexOf(other.level) < LOCK_LEVELS.indexOf(lock.level))
      strongest.set(key, lock)
  }
  return [...strongest.values()]
}

function unique<T>(things: readonly T[]): readonly T[] {
  return [...new Map(things.map((one) => [canonical(one), one])).values()]
}
