import type { Phase, Requirement, TransactionStep } from '../../plan/step.ts'
import { isNotGivenOn, isNothingElse } from './catalog.ts'
import { type Change, changeSql, isAs } from './change.ts'
import { type Item, isSameItem, type Privileges } from './privileges.ts'
import { shownTarget, type Target } from './target.ts'

/** From one state of what is given to the other, in one transaction that nobody waits for. */
export function privilegeStep(change: Change, phase: Phase, does: string): Omit<TransactionStep, 'id'> {
  const { target, before, after } = change
  const isRelation = target.kind === 'table' || target.kind === 'sequence'
  return {
    kind: 'ddl',
    phase,
    does,
    hazards: [],
    probe: isAs(target, after, before),
    locks: isRelation ? [{ relation: target.name, level: 'access_share', implied: true }] : [],
    requires: [...columnRequirements(change), ...givenOnRequirements(change)],
    statements: changeSql(target, before, after),
    cost: 'instant',
  }
}

/** What somebody has given on a column since goes with the whole, and nobody would know. */
function columnRequirements({ target, before, after }: Change): readonly Requirement[] {
  if (target.kind !== 'table') return []
  const wholes = weakened(before, after).filter(({ column }) => column === null)
  if (wholes.length === 0) return []
  return [
    {
      that: isNothingElse(target, wholes, before),
      code: 'drift_found',
      otherwise: `somebody has given the same on a column of the ${shownTarget(target)} since the plan was made, which would be lost: revoke it for the time of this step`,
    },
  ]
}

function givenOnRequirements({ target, before, after }: Change): readonly Requirement[] {
  const taken = weakened(before, after).filter(({ grantable }) => grantable)
  if (taken.length === 0) return []
  return [
    {
      that: isNotGivenOn(target, taken),
      code: 'dependents_found',
      otherwise: `a role has given on what it got on the ${shownTarget(target)}, and others would lose it: revoke that first, as that role`,
    },
  ]
}

/** What is taken away, or the right to give it on. */
function weakened(before: readonly Item[], after: readonly Item[]): readonly Item[] {
  return before.filter(
    (item) => !after.some((one) => isSameItem(one, item) && (one.grantable || !item.grantable)),
  )
}

export function reversed({ target, before, after }: Change): Change {
  return { target, before: after, after: before }
}

/** Such as `select, insert on table public.users`, for people. */
export function shownPrivileges(
  { privileges, columns }: Pick<Privileges, 'privileges' | 'columns'>,
  target: Target,
): string {
  const of = columns === undefined ? '' : ` (${columns.join(', ')})`
  return `${privileges.map((one) => `${one}${of}`).join(', ')} on ${shownTarget(target)}`
}
