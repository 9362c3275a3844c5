import { afterAsking } from './asked.ts'
import type { RolloutEntry, RolloutEvent, RolloutOutcome, RollStarted } from './event.ts'
import type { Paused } from './rollout.ts'
import type { WorkloadEvent } from './workload-event.ts'

/** A roll of the workloads of a cluster as the journal has it, as the fold of its events. */
export interface WorkloadRollout extends Omit<RollStarted, 'kind'> {
  /** What happened to the workloads: enough to go on with it. */
  readonly past: readonly WorkloadEvent[]
  /** When the last of them was rolled, by the clock of the database. */
  readonly rolledAtMs: number | undefined
  readonly direction: 'forward' | 'back'
  /** Why it turned back. */
  readonly turnedBecause: string | undefined
  readonly paused: Paused | undefined
  /** Who wants it taken back. */
  readonly abortedBy: string | undefined
  readonly outcome: RolloutOutcome | undefined
  readonly endedBecause: string | undefined
}

/** Goes on from a state; the last rollout of a run is the one that counts, and none when that is one of instances. */
export function foldWorkloadRollout(
  begun: WorkloadRollout | undefined,
  entries: readonly RolloutEntry[],
): WorkloadRollout | undefined {
  return entries.reduce<WorkloadRollout | undefined>((rollout, { event, atMs }) => {
    if (event.kind === 'rollout_started') return 'workloads' in event ? started(event) : undefined
    return rollout === undefined ? undefined : after(rollout, event, atMs)
  }, begun)
}

function after(rollout: WorkloadRollout, event: RolloutEvent, atMs: number): WorkloadRollout {
  switch (event.kind) {
    case 'workload': {
      const rolledAtMs = event.event.type === 'workload_rolled' ? atMs : rollout.rolledAtMs
      return { ...rollout, past: [...rollout.past, event.event], rolledAtMs }
    }
    case 'asked':
      return { ...afterAsking(rollout, event, resumed), heard: event.seq }
    case 'paused': {
      const { because, held } = event
      const kind = held === true ? 'held' : 'failure'
      return { ...rollout, paused: { because, kind }, abortedBy: undefined }
    }
    case 'turned_back': {
      const nothing = { paused: undefined, abortedBy: undefined }
      return { ...rollout, ...nothing, direction: 'back', turnedBecause: event.because }
    }
    case 'ended':
      return { ...rollout, outcome: event.outcome, endedBecause: event.because, paused: undefined }
    default:
      return rollout
  }
}

function started({ kind: _kind, ...given }: RollStarted): WorkloadRollout {
  return {
    ...given,
    past: [],
    rolledAtMs: undefined,
    direction: 'forward',
    turnedBecause: undefined,
    paused: undefined,
    abortedBy: undefined,
    outcome: undefined,
    endedBecause: undefined,
  }
}

/** What did not come up on the way back is looked at anew: somebody may have helped it. */
function resumed(rollout: WorkloadRollout): WorkloadRollout {
  const past = rollout.past.filter(({ type }) => type !== 'workload_stuck')
  return { ...rollout, paused: undefined, past }
}
