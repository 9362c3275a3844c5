import { assert } from '../errors.ts'
import { canonical } from '../hash.ts'
import { id, join, type Sql, shown, sql } from '../sql.ts'
import { all } from './probes.ts'
import type { Shares } from './shares.ts'
import {
  type BackfillStep,
  changesOf,
  LOCK_LEVELS,
  type Lock,
  leaversOf,
  type StepDraft,
  type TransactionStep,
  type ValidatePartsStep,
  type VerifyStep,
} from './step.ts'
import { validateChecksSql } from './validate.ts'

/** A draft, and the places of its operations in the migration. */
export interface Placed {
  readonly draft: StepDraft
  readonly of: readonly number[]
}

/** Steps of several operations that are taken as one stand where the first of them stood, or the last. */
export function joined(unsorted: readonly Placed[], place: 'first' | 'last'): readonly Placed[] {
  const steps = comparedFirst(unsorted)
  const together = new Map<string, readonly Placed[]>()
  for (const step of steps) {
    const key = keyOf(step.draft)
    if (key !== undefined) together.set(key, [...(together.get(key) ?? []), step])
  }
  return steps.flatMap((step) => {
    const group = together.get(keyOf(step.draft) ?? '') ?? []
    if (step.draft.shares === undefined || group.length < 2) return [step]
    // Nothing is offered before all that belongs to it is there.
    const isAtEnd = place === 'last' || step.draft.shares.at === 'offer'
    if (step !== group.at(isAtEnd ? -1 : 0)) return []
    const draft = asOne(
      group.map((one) => one.draft),
      step.draft.shares,
    )
    return [{ draft, of: [...new Set(group.flatMap(({ of }) => of))].sort((a, b) => a - b) }]
  })
}

/**
 * Nothing is proved before all is compared: a row that breaks a CHECK would make every write of it fail. An operation that has
 * nothing to compare may come first.
 */
function comparedFirst(steps: readonly Placed[]): readonly Placed[] {
  const groupOf = ({ draft: { shares } }: Placed, ...at: readonly Shares['at'][]) =>
    shares !== undefined && at.includes(shares.at) ? (shares.group ?? 0) : undefined
  // Of each group that is still to come.
  const comparing = new Map<number, Placed[]>()
  for (const step of steps) {
    const group = groupOf(step, 'compare')
    if (group !== undefined) comparing.set(group, [...(comparing.get(group) ?? []), step])
  }
  return steps.flatMap((step) => {
    const group = groupOf(step, 'compare', 'prove')
    if (group === undefined) return [step]
    const compared = comparing.get(group) ?? []
    comparing.delete(group)
    return groupOf(step, 'compare') === undefined ? [...compared, step] : compared
  })
}

function keyOf(draft: StepDraft): string | undefined {
  if (draft.shares === undefined) return undefined
  const { at, group = 0 } = draft.shares
  // What is tried once is not looked for until none is left.
  const isOnce = 'once' in draft && draft.once !== undefined
  return `${group} ${draft.phase} ${at}${isOnce ? ' once' : ''}`
}

type Drafted<S> = Omit<S, 'id' | 'probe'> & { readonly shares?: Shares }

function asOne(drafts: readonly StepDraft[], { at }: Shares): StepDraft {
  if (at === 'fill') return oneFill(drafts as readonly Drafted<BackfillStep>[])
  if (at === 'compare') return oneComparison(drafts as readonly Drafted<VerifyStep>[])
  if (drafts.some(({ kind }) => kind === 'validate_parts'))
    return oneProof(drafts as readonly (Omit<ValidatePartsStep, 'id'> & StepDraft)[])
  return oneTransaction(drafts as readonly (Omit<TransactionStep, 'id'> & StepDraft)[])
}

/** In a row that waits for one column another may be filled, and holds what nothing gives back: the trigger alone knows which waits. */
function oneFill(drafts: readonly Drafted<BackfillStep>[]): StepDraft {
  const columns = drafts.flatMap(({ shares }) => (shares?.at === 'fill' ? shares.columns : []))
  const tries = drafts.flatMap((draft) => draft.tries ?? [])
  return {
    ...(drafts as readonly [Drafted<BackfillStep>])[0],
    ...told(drafts),
    set: join(columns.map((column) => sql`${id(column)} = ${id(column)}`)),
    unfilled: sql`(${join(
      drafts.map(({ unfilled }) => unfilled),
      ' or ',
    )})`,
    each: drafts.map(({ unfilled }) => ({ unfilled })),
    ...(tries.length === 0 ? {} : { tries }),
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

/** Each partition is read once for all that is to be proved of it. */
function oneProof(drafts: readonly (Omit<ValidatePartsStep, 'id'> & StepDraft)[]): StepDraft {
  return {
    ...(drafts as readonly [(typeof drafts)[number]])[0],
    ...told(drafts),
    probe: all(drafts.map(({ probe }) => probe)),
    checks: drafts.flatMap(({ checks }) => checks),
  }
}

/** What several of them would do is done once. */
function oneTransaction(drafts: readonly (Omit<TransactionStep, 'id'> & StepDraft)[]): StepDraft {
  const [first] = drafts as readonly [(typeof drafts)[number]]
  assert(
    drafts.every(({ kind, cost }) => kind === first.kind && (cost === first.cost || BRIEF.has(cost))),
    'steps that are taken as one are of one kind',
  )
  const leavers = drafts.flatMap(leaversOf)
  const stands = drafts.flatMap((draft) => draft.stands ?? [])
  const ahead = drafts.flatMap((draft) => draft.ahead ?? [])
  return {
    ...first,
    ...told(drafts),
    probe: all([...new Set(drafts.map(({ probe }) => probe))]),
    locks: oneLock(drafts.flatMap(({ locks }) => locks)),
    requires: unique(drafts.flatMap(({ requires }) => requires)),
    cost: drafts.find(({ cost }) => cost === 'small')?.cost ?? first.cost,
    ...(stands.length === 0 ? {} : { stands }),
    ...(ahead.length === 0 ? {} : { ahead }),
    statements: statementsOf(drafts),
    ...andAlso('retires', leavers),
  }
}

const BRIEF: ReadonlySet<TransactionStep['cost']> = new Set(['instant', 'small'])

/** A table is read once for all that is to be proved of it. */
function statementsOf(drafts: readonly (Omit<TransactionStep, 'id'> & StepDraft)[]): readonly Sql[] {
  const constraints = drafts.flatMap(({ shares }) => (shares?.at === 'validate' ? shares.constraints : []))
  const [table] = drafts.flatMap(({ shares }) => shares?.table ?? [])
  if (constraints.length > 0 && table !== undefined) return validateChecksSql(table, constraints)
  const all = drafts.flatMap(({ statements }) => statements)
  // A trigger that all have comes behind the columns of all, which its condition names, and goes in front of them.
  return drafts.every(({ shares }) => shares?.at === 'install')
    ? [...new Set(all.toReversed())].toReversed()
    : [...new Set(all)]
}

/** What people are told of a step. */
function told(drafts: readonly StepDraft[]): Pick<StepDraft, 'does' | 'hazards' | 'changes' | 'changesAlso'> {
  return {
    does: [...new Set(drafts.map(({ does }) => does))].join('; '),
    hazards: unique(drafts.flatMap(({ hazards }) => hazards)),
    ...andAlso('changes', drafts.flatMap(changesOf)),
  }
}

/** The first under a name, and what there is besides under the name that ends in `Also`. */
export function andAlso<K extends string, T>(
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
    const key = `${shown(lock.relation.namespace)}.${shown(lock.relation.name)} ${lock.implied === true} ${lock.only === true}`
    const other = strongest.get(key)
    if (other === undefined || LOCK_LEVELS.indexOf(other.level) < LOCK_LEVELS.indexOf(lock.level))
      strongest.set(key, lock)
  }
  return [...strongest.values()]
}

function unique<T>(things: readonly T[]): readonly T[] {
  return [...new Map(things.map((one) => [canonical(one), one])).values()]
}
