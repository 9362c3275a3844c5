import { BellowsError } from '../errors.ts'
import type { Planned } from './groups.ts'
import type { StepDraft } from './step.ts'

/** The steps that come of an operation, and those that take them back. */
export interface Drafts extends Planned {
  readonly back: readonly StepDraft[]
}

/**
 * What is built on a copy that has no way back once it has taken over has none either: its own undo would be the only one, and
 * would bring nothing back. Before that nothing of it is to be undone, for the copy takes over first.
 */
export function withoutVainUndo(planned: readonly Drafts[]): readonly Drafts[] {
  return planned.map((drafts, at) =>
    drafts.begin !== undefined && planned.slice(0, at).some(isOneWay)
      ? { ...drafts, back: drafts.back.filter(({ phase }) => phase !== 'retire') }
      : drafts,
  )
}

/** A run is taken back as a whole: where one operation cannot be, taking back the others would lose what was written since. */
export function oneWayProblems(planned: readonly Drafts[]): readonly BellowsError[] {
  const hiding = planned.filter(({ forward }) => hides(forward))
  const oneWay = hiding.filter(isOneWay)
  if (oneWay.length === 0 || oneWay.length === hiding.length) return []
  return [
    new BellowsError(
      'plan_refused',
      'One operation of the migration has no way back once its column is hidden, and others have.',
      { hint: 'Put them into two migrations.' },
    ),
  ]
}

/** Does it hide something that it cannot bring back? */
export function isOneWay({ forward, back }: Pick<Drafts, 'forward' | 'back'>): boolean {
  return hides(forward) && !hides(back)
}

function hides(drafts: readonly StepDraft[]): boolean {
  return drafts.some(({ phase }) => phase === 'retire')
}
