import type { Planned } from './groups.ts'
import type { Placed } from './joining.ts'
import { isOnAdded } from './meetings.ts'
import type { StepDraft } from './step.ts'

/**
 * What looks for rows in the way comes before anything is changed, unless it looks at what the migration adds itself. What
 * replaces a thing that reads columns comes when all of them are proved.
 */
export function inOrder(planned: readonly Planned[]): readonly Placed[] {
  const parts = planned.map(({ forward, touches }, of) => {
    const looks = forward.some(({ kind }) => kind === 'inspect')
    const earlier = () => planned.slice(0, of).flatMap((one) => one.touches)
    const isOn = looks && isOnAdded(earlier(), touches)
    const isFirst = ({ draft }: Placed) => draft.kind === 'inspect' && !isOn
    const drafts = placed(isOn ? lookingLate(forward) : forward, of)
    return { first: drafts.filter(isFirst), later: drafts.filter((one) => !isFirst(one)) }
  })
  const later = parts.flatMap((part) => part.later)
  return [
    ...parts.flatMap(({ first }) => first),
    ...later.filter(({ draft }) => !replacesProved(draft)),
    ...later.filter(({ draft }) => replacesProved(draft)),
  ]
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

function replacesProved(draft: StepDraft): boolean {
  return draft.phase === 'verify' && 'makes' in draft
}

export function placed(drafts: readonly StepDraft[], of: number): readonly Placed[] {
  return drafts.map((draft) => ({ draft, of: [of] }))
}

export function undoFirst(back: readonly Placed[]): readonly Placed[] {
  return [
    ...back.filter(({ draft }) => draft.phase === 'retire'),
    ...back.filter(({ draft }) => draft.phase !== 'retire'),
  ]
}
