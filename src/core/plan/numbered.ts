import { sql } from '../sql.ts'
import { byName } from './by-name.ts'
import { stepHazards } from './hazards.ts'
import type { Placed } from './joining.ts'
import { backfillFinished } from './probes.ts'
import type { Lock, Step, StepDraft } from './step.ts'

/** Drafts as the steps of one stretch: each with its place in that as its id. */
export function numbered(
  prefix: string,
  drafts: readonly Placed[],
): readonly (Pick<Placed, 'of'> & { readonly step: Step })[] {
  return drafts.map(({ draft, of }, at) => ({ step: asStep(`${prefix}/${at + 1}`, byName(draft)), of }))
}

function asStep(id: string, drafted: StepDraft): Step {
  const { shares: _, ...held } = drafted
  const hazards = [...stepHazards(held), ...held.hazards]
  const draft = withoutTrees(held)
  if (draft.kind === 'inspect') return { id, probe: NEVER, ...draft, hazards }
  const isTableStep = draft.kind === 'backfill' || draft.kind === 'verify'
  // The checkpoint of a step that works through a table says in its last transaction that it is done.
  return isTableStep ? { id, probe: backfillFinished(id), ...draft, hazards } : { id, ...draft, hazards }
}

/** Whose partition each is was for the hazards to know. */
function withoutTrees<D extends StepDraft>(draft: D): D {
  if (!('locks' in draft)) return draft
  return { ...draft, locks: draft.locks.map(withoutTree) }
}

function withoutTree(locked: Lock): Lock {
  const { partOf: _, ...lock } = locked
  return lock
}

/** What only looks leaves nothing behind by which it could be known; the journal knows it. */
const NEVER = sql`false`
