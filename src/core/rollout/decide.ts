import { heldBehind, leftBehind, nextBatch, only } from './batches.ts'
import type { RolloutEntry, RolloutEvent, RolloutOutcome, RolloutRequest } from './event.ts'
import type { FleetInstance } from './fleet.ts'
import { type Moves, movesIn } from './moves.ts'
import { observed } from './observe.ts'
import type { Rollout } from './rollout.ts'
import { counts, type SlotView, type View, viewOf } from './view.ts'
import { type TooOld, whyNotBroughtBack } from './way-back.ts'
import { secondsOf } from './words.ts'

export interface RolloutFacts {
  /** By the clock of the database. */
  readonly nowMs: number
  /** Since when this driver watches, by the same clock. */
  readonly sinceMs: number
  readonly fleet: readonly FleetInstance[] | { readonly unreadable: string }
  /** Not heard yet, oldest first. */
  readonly requests: readonly RequestEntry[]
  /** What the last call for an instance failed with, by its id. */
  readonly troubles: ReadonlyMap<string, string>
  /** Versions of the application that the database cannot serve any more. */
  readonly tooOld: readonly TooOld[]
}

export interface RequestEntry {
  readonly seq: number
  readonly request: RolloutRequest
  readonly by: string
}

/** What the journal has of one rollout behind a position, and what time it is there. */
export interface RolloutLook {
  readonly nowMs: number
  readonly entries: readonly RolloutEntry[]
  readonly requests: readonly RequestEntry[]
}

/** What to write, then what to do, and what is waited for; with a verdict there is nothing more to do by ourselves. */
export interface Decision extends Moves {
  readonly verdict?: RolloutVerdict
}

export interface RolloutVerdict {
  readonly is: RolloutOutcome | 'paused'
  readonly because: string
}

/** One step. What it says is said again until it shows, so it may be lost on the way. */
export function decide(rollout: Rollout, facts: RolloutFacts): Decision {
  return (
    over(rollout) ?? heard(facts) ?? aborted(rollout, facts) ?? stopped(rollout) ?? watched(rollout, facts)
  )
}

function over({ outcome, endedBecause }: Rollout): Decision | undefined {
  if (outcome === undefined) return undefined
  return { ...only({}), verdict: { is: outcome, because: endedBecause ?? '' } }
}

function heard({ requests }: RolloutFacts): Decision | undefined {
  if (requests.length === 0) return undefined
  return only({ events: requests.map((request) => ({ kind: 'asked', ...request })) })
}

function aborted(rollout: Rollout, facts: RolloutFacts): Decision | undefined {
  const { abortedBy, direction } = rollout
  if (abortedBy === undefined) return undefined
  const because = `aborted by ${abortedBy}`
  if (direction === 'back')
    return ended('abandoned', `${because} on the way back, after: ${rollout.turnedBecause}`)
  const noWayBack = whyNotBack(rollout, facts)
  if (noWayBack !== undefined) return ended('abandoned', `${because}; ${noWayBack}`)
  return only({ events: [{ kind: 'turned_back', because }] })
}

function stopped({ paused }: Rollout): Decision | undefined {
  if (paused === undefined || paused.kind === 'asked') return undefined
  return { ...only({}), verdict: { is: 'paused', because: paused.because } }
}

function watched(rollout: Rollout, facts: RolloutFacts): Decision {
  const { fleet } = facts
  if ('unreadable' in fleet) return blind(rollout, facts, fleet.unreadable)
  const view = viewOf(rollout, { ...facts, fleet })
  const events = observed(view)
  if (events.length > 0) return only({ events })
  return judged(view, facts) ?? underWay(view, facts) ?? next(view, facts)
}

/** What cannot be seen is not bad. Nothing is done and nobody is blamed; but it does not last for ever. */
function blind(rollout: Rollout, facts: RolloutFacts, unreadable: string): Decision {
  const told = `the fleet cannot be read: ${unreadable}`
  if (!isStuck(rollout, facts, rollout.rules.progressDeadlineMs)) return only({ waitsFor: [told] })
  return paused(told)
}

/** Has a slot failed for good, and is that more than may fail? */
function judged(view: View, facts: RolloutFacts): Decision | undefined {
  const { rollout } = view
  const { setAside, rules, direction } = rollout
  if (setAside.size === 0) return undefined
  const isTolerated = rules.onFailure === 'continue' || setAside.size <= rules.maxFailures
  if (direction === 'forward' && isTolerated) return undefined
  return failed(view, facts, [...setAside.values()].join('; '))
}

function underWay(view: View, facts: RolloutFacts): Decision | undefined {
  const { rollout, slots } = view
  const begun = slots.filter(({ name, settled }) => rollout.begun.has(name) && !settled)
  const moves = movesIn(view, begun)
  const isUnderWay = begun.some(({ name }) => !rollout.setAside.has(name)) || moves.actions.length > 0
  if (!isUnderWay) return undefined
  const awaited = awaitedBy(view, begun, moves)
  if (awaited.length > 0) return pausedHere(rollout) ?? only({ events: [nextBatch(view, awaited)] })
  const patienceMs = rollout.rules.progressDeadlineMs + endingMs(view, begun)
  if (moves.events.length > 0 || !isStuck(rollout, facts, patienceMs)) return moves
  const waited = moves.waitsFor.join('; ')
  return failed(view, facts, `nothing moved for ${secondsOf(patienceMs)}: ${waited}`)
}

/**
 * Who is to come back before the rest of this batch may go: on a way back whoever has no place any more may have to serve until
 * others of its role do, and they are in no batch yet.
 */
function awaitedBy({ rollout, slots }: View, begun: readonly SlotView[], moves: Moves): readonly SlotView[] {
  if (rollout.direction === 'forward' || moves.events.length + moves.actions.length > 0) return []
  const isKept = begun.every(
    ({ wants, keep, extras }) =>
      (wants === undefined || counts(rollout, keep)) && extras.every(({ state }) => state === 'serving'),
  )
  if (!isKept) return []
  return slots.filter(
    ({ name, settled }) => !settled && !rollout.begun.has(name) && !rollout.setAside.has(name),
  )
}

/** Whoever was told to end has its own time for that, which may be longer than anything else takes. */
function endingMs({ rollout: { roles, rules } }: View, slots: readonly SlotView[]): number {
  const ending = slots.flatMap(({ living }) => living).filter(({ state }) => state === 'stopping')
  const timeouts = ending.map(
    ({ role }) => roles.find((one) => one.role === role)?.stopTimeoutMs ?? rules.stopTimeoutMs,
  )
  return Math.max(0, ...timeouts)
}

/** Nothing is under way: the batch is settled, and what comes behind it, and then the next one or the end. */
function next(view: View, facts: RolloutFacts): Decision {
  const { rollout, slots } = view
  if (rollout.batches > 0 && rollout.settledAtMs === undefined)
    return only({ events: [{ kind: 'batch_settled' }] })
  const asked = pausedHere(rollout)
  if (asked !== undefined) return asked
  const left = slots.filter(({ name, settled }) => !settled && !rollout.setAside.has(name))
  if (rollout.batches > 0 && rollout.direction === 'forward') {
    const held = heldBehind(view, left)
    if (held !== undefined) return 'failed' in held ? failed(view, facts, held.failed) : held
  }
  if (left.length > 0) return only({ events: [nextBatch(view, left)] })
  if (rollout.setAside.size > 0) return paused(leftBehind(view))
  return rollout.direction === 'back'
    ? ended('rolled_back', rollout.turnedBecause ?? '')
    : ended('done', doneBecause(slots, rollout))
}

/** A pause that was asked for begins in front of the next batch. */
function pausedHere({ paused }: Rollout): Decision | undefined {
  return paused === undefined
    ? undefined
    : only({ events: [{ kind: 'paused', because: paused.because, held: true }] })
}

function doneBecause(slots: readonly SlotView[], { version }: Rollout): string {
  return `${slots.filter(({ wants }) => wants !== undefined).length} of "${version}" serve, and nothing else does`
}

/** The failure action. A way back that fails is for a human. */
function failed({ rollout }: View, facts: RolloutFacts, because: string): Decision {
  if (rollout.direction === 'back') return paused(`the rollback failed: ${because}`)
  if (rollout.rules.onFailure !== 'rollback') return paused(because)
  const noWayBack = whyNotBack(rollout, facts)
  if (noWayBack !== undefined) return paused(`${because}; ${noWayBack}`)
  return only({ events: [{ kind: 'turned_back', because }] })
}

/** Asked before anything is taken back. */
function whyNotBack({ before }: Rollout, { tooOld }: RolloutFacts): string | undefined {
  return whyNotBroughtBack(
    before.map(({ version }) => version),
    tooOld,
  )
}

/** Has nothing moved for too long, while somebody was there to move it? */
function isStuck({ movedAtMs }: Rollout, { nowMs, sinceMs }: RolloutFacts, patienceMs: number): boolean {
  return nowMs - Math.max(movedAtMs, sinceMs) > patienceMs
}

function paused(because: string): Decision {
  return only({ events: [{ kind: 'paused', because }] })
}

function ended(outcome: RolloutOutcome, because: string): Decision {
  const event: RolloutEvent = { kind: 'ended', outcome, because }
  return only({ events: [event] })
}
