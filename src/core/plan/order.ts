import type { Migration, Operation } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import type { Planned } from './groups.ts'
import type { Placed } from './joining.ts'
import { areOnAdded } from './on-added.ts'
import { ownNamed } from './own-named.ts'
import type { StepDraft } from './step.ts'

/**
 * What looks for rows in the way comes before anything is changed, unless it looks at what the migration adds itself. What
 * replaces a thing that reads columns comes when all of them are proved.
 */
export function inOrder(migration: Migration, planned: readonly Planned[]): readonly Placed[] {
  const onAdded = areOnAdded(planned)
  const parts = planned.map(({ forward, touches, begin }, of) => {
    const looks = forward.some(({ kind }) => kind === 'inspect')
    // A column that changes its type has its name behind the swap, and is not to be looked at before.
    if (begin === 'retire') return { first: [], later: placed(forward, of) }
    const isOn = looks && (onAdded[of] === true || isOnOwn(touches) || namesOwn(migration, of))
    const isFirst = ({ draft }: Placed) => draft.kind === 'inspect' && !isOn
    const drafts = placed(isOn ? lookingLate(forward) : forward, of)
    return { first: drafts.filter(isFirst), later: drafts.filter((one) => !isFirst(one)) }
  })
  const later = offeredLast(
    migration,
    planned,
    parts.flatMap((part) => part.later),
  )
  const replaces = ({ of }: Placed) => of.some((at) => migration.operations[at]?.kind === 'replace_object')
  return [
    ...parts.flatMap(({ first }) => first),
    ...later.filter((one) => !replaces(one)),
    ...later.filter(replaces),
  ]
}

/**
 * The new column of a copy is offered when what operations behind it put on it stands, too; the view that is a renamed table shows
 * columns that are offered; and the table loses its old name when nothing is dropped of it any more.
 */
function offeredLast(
  { operations }: Migration,
  planned: readonly Planned[],
  steps: readonly Placed[],
): readonly Placed[] {
  const isOf = (kind: Operation['kind'], { of }: Placed) => of.some((at) => operations[at]?.kind === kind)
  const waits = planned.some(({ begin }) => begin !== undefined)
  const isOffer = (one: Placed) => waits && one.draft.shares?.at === 'offer' && isOf('rename_column', one)
  const isOfTable = (one: Placed) =>
    (one.draft.phase === 'verify' || one.draft.phase === 'purge') && isOf('rename_table', one)
  return [
    ...steps.filter((one) => !isOffer(one) && !isOfTable(one)),
    ...steps.filter(isOffer),
    ...steps.filter(isOfTable),
  ]
}

/** What it looks for may be said by a function that the migration makes. */
function namesOwn({ operations }: Migration, at: number): boolean {
  const op = operations[at]
  return op !== undefined && ownNamed(op, operations.slice(0, at)) !== undefined
}

/** An operation may look at what it adds itself, such as the rules of a new column. */
function isOnOwn(touches: readonly Touch[]): boolean {
  const rest = touches.filter(({ how }) => how !== 'adds')
  return areOnAdded([{ touches }, { touches: rest }]).at(-1) === true
}

/**
 * What the migration adds has its values when it is filled, or from new instances alone: a look at the begin finds every row in
 * the way. So nobody looks before the last moment.
 */
function lookingLate(drafts: readonly StepDraft[]): readonly StepDraft[] {
  const looksAgain = drafts.some(({ kind, phase }) => kind === 'inspect' && phase === 'retire')
  return drafts.flatMap((draft) => {
    if (draft.kind !== 'inspect' || draft.phase !== 'expand') return [draft]
    return looksAgain ? [] : [{ ...draft, phase: 'verify' }]
  })
}

function placed(drafts: readonly StepDraft[], of: number): readonly Placed[] {
  return drafts.map((draft) => ({ draft, of: [of] }))
}

/** What takes the last operation back comes first. */
export function inReverse(planned: readonly { readonly back: readonly StepDraft[] }[]): readonly Placed[] {
  return planned
    .map(({ back }, of) => placed(back, of))
    .toReversed()
    .flat()
}

export function undoFirst(back: readonly Placed[]): readonly Placed[] {
  return [
    ...back.filter(({ draft }) => draft.phase === 'retire'),
    ...back.filter(({ draft }) => draft.phase !== 'retire'),
  ]
}
