import type { RolloutEvent } from './event.ts'
import type { Action, Moves } from './moves.ts'
import type { Check } from './rules.ts'
import { countOf } from './rules.ts'
import { isAvailable, type SlotView, type View } from './view.ts'
import { counted, secondsOf } from './words.ts'

/** What comes behind a batch when all of it is as it should be: its pause, its checks, a look by a human. */
export function heldBehind(
  view: View,
  left: readonly SlotView[],
): Moves | { readonly failed: string } | undefined {
  const { rollout, nowMs } = view
  const pauseMs = pauseBehind(view, left)
  const leftMs = (rollout.settledAtMs ?? nowMs) + pauseMs - nowMs
  if (leftMs > 0 && !rollout.hurried) {
    const what = left.length === 0 ? 'watching the new fleet' : 'the pause behind the batch'
    return only({ waitsFor: [`another ${secondsOf(leftMs)} of ${what}`] })
  }
  for (const check of rollout.rules.checks) {
    const held = heldBy(view, check)
    if (held !== undefined) return held
  }
  const { canary } = rollout.rules
  const isManual = isBehindCanary(view) && left.length > 0 && canary.pauseMs === 'manual'
  if (!isManual || rollout.hurried) return undefined
  return only({
    events: [{ kind: 'paused', because: 'the canary waits for somebody to look at it', held: true }],
  })
}

function pauseBehind(view: View, left: readonly SlotView[]): number {
  const { bakeMs, canary, pauseBetweenMs } = view.rollout.rules
  if (left.length === 0) return bakeMs
  if (!isBehindCanary(view)) return pauseBetweenMs
  return canary.pauseMs === 'manual' ? 0 : canary.pauseMs
}

function isBehindCanary({ rollout }: View): boolean {
  return rollout.batches === 1 && hasCanary(rollout)
}

/** Where nothing served before there is nothing to lose, and nothing to compare with. */
function hasCanary({ rules, before }: View['rollout']): boolean {
  return rules.canary.instances > 0 && before.length > 0
}

function heldBy({ rollout, nowMs }: View, check: Check): Moves | { readonly failed: string } | undefined {
  const { checkRetryMs, checkUnknownsMax, onFailure } = rollout.rules
  const last = rollout.checks.get(check.name)
  const ask: Action = { kind: 'check', check }
  if (last === undefined) return only({ actions: [ask] })
  switch (last.outcome) {
    case 'pass':
      return undefined
    case 'fail':
      return onFailure === 'continue'
        ? undefined
        : { failed: `the check "${check.name}" failed: ${last.because}` }
    case 'unknown': {
      const told = `the check "${check.name}" could not tell: ${last.because}`
      if (last.unknowns >= checkUnknownsMax) {
        return only({ events: [{ kind: 'paused', because: `${told} (${last.unknowns} times in a row)` }] })
      }
      return nowMs - last.atMs < checkRetryMs ? only({ waitsFor: [told] }) : only({ actions: [ask] })
    }
  }
}

/** The slots that are replaced next, of those that are not as they should be. */
export function nextBatch(view: View, left: readonly SlotView[]): RolloutEvent {
  const slots = view.rollout.direction === 'back' ? batchBack(view, left) : batchForward(view, left)
  return { kind: 'batch_started', slots: slots.map(({ role, slot }) => ({ role, slot })) }
}

function batchForward(view: View, left: readonly SlotView[]): readonly SlotView[] {
  const { rollout } = view
  const ofRole = urgentFirst(
    view,
    left.filter(({ role }) => role === left[0]?.role),
  )
  // A first deployment only starts: nobody is served yet who could be harmed.
  if (rollout.before.length === 0) return ofRole
  if (rollout.batches === 0 && hasCanary(rollout)) return ofRole.slice(0, rollout.rules.canary.instances)
  return ofRole.slice(0, batchSize(view, ofRole))
}

/** At once where the earlier instance still serves and only the new one has to go; otherwise as on the way forward. */
function batchBack(view: View, left: readonly SlotView[]): readonly SlotView[] {
  const { rollout } = view
  const easy = left.filter(({ wants, keep, living }) => {
    if (wants !== undefined) return keep?.state === 'serving'
    // Where each place is empty for a while whoever is too many serves meanwhile, and goes last.
    return rollout.rules.order === 'start-first' || !living.some((one) => isAvailable(rollout, one))
  })
  if (easy.length > 0) return easy
  const ofRole = urgentFirst(
    view,
    left.filter(({ role }) => role === left[0]?.role),
  )
  return ofRole.slice(0, batchSize(view, ofRole))
}

function batchSize({ rollout, slots }: View, [first]: readonly SlotView[]): number {
  return countOf(rollout.rules.batch, slots.filter(({ role }) => role === first?.role).length)
}

/** Where nobody serves a new instance helps at once, and next where only an ill one does. What only has to go comes last. */
function urgentFirst({ rollout }: View, slots: readonly SlotView[]): readonly SlotView[] {
  const urgency = ({ wants, living }: SlotView): number => {
    if (wants === undefined) return 3
    if (living.some((one) => isAvailable(rollout, one))) return 2
    return living.some(({ state }) => state === 'serving') ? 1 : 0
  }
  return slots.toSorted((a, b) => urgency(a) - urgency(b))
}

export function only(moves: Partial<Moves>): Moves {
  return { events: [], actions: [], waitsFor: [], ...moves }
}

/** The failed slots of a rollout that went on without them. */
export function leftBehind({ rollout }: View): string {
  const failed = [...rollout.setAside.values()]
  return `all others are replaced, ${counted(failed.length, 'instance')} could not be: ${failed.join('; ')}`
}
