import type { Placement } from './fleet.ts'
import type { CheckResult, RolloutRules } from './rules.ts'
import type { KubernetesDeploy } from './workload.ts'
import type { WorkloadEvent } from './workload-event.ts'

/** How many instances of a role there shall be. Roles are replaced one after the other, in the order that is given. */
export interface RoleWish {
  readonly role: string
  readonly instances: number
  /** In place of the one of the rules: a worker may need longer for what it has begun. */
  readonly stopTimeoutMs?: number
}

export interface Slot {
  readonly role: string
  readonly slot: number
}

/** What somebody may ask of a rollout, from anywhere and at any time. */
export type RolloutRequest = 'pause' | 'resume' | 'abort'

/**
 * What happened in a rollout, as the journal of its run keeps it: decisions, and what could not be read again later. An instance
 * is told of before it is started or drained, so that whoever goes on after a crash knows of it.
 */
export type RolloutEvent =
  | RolloutStarted
  | RollStarted
  /** Of a roll of workloads; it has no batches, no instances and no checks. */
  | { readonly kind: 'workload'; readonly event: WorkloadEvent }
  | { readonly kind: 'batch_started'; readonly slots: readonly Slot[] }
  /** About to be started. */
  | { readonly kind: 'placed'; readonly placement: Placement }
  /** Seen running for the first time. */
  | { readonly kind: 'running'; readonly id: string }
  | { readonly kind: 'serving'; readonly id: string }
  | InstanceFailed
  /** About to get no new work. */
  | { readonly kind: 'draining'; readonly id: string }
  | { readonly kind: 'gone'; readonly id: string }
  /** Every instance of the batch is as it should be. */
  | { readonly kind: 'batch_settled' }
  | ({ readonly kind: 'checked'; readonly name: string } & CheckResult)
  | Asked
  /** For a human: because of a failure, or `held`, where nothing is under way, since that was asked for. */
  | { readonly kind: 'paused'; readonly because: string; readonly held?: true }
  /** From here on the earlier version is brought back into every slot. */
  | { readonly kind: 'turned_back'; readonly because: string }
  | { readonly kind: 'ended'; readonly outcome: RolloutOutcome; readonly because: string }

interface Started {
  readonly kind: 'rollout_started'
  /** One more than any that the database or the fleet has seen; part of the id of each new instance. */
  readonly number: number
  /** Version of the application. */
  readonly version: string
  /** Requests up to this one were for an earlier rollout. */
  readonly heard: number
}

/** Of instances, one by one. */
export interface RolloutStarted extends Started {
  readonly roles: readonly RoleWish[]
  readonly rules: RolloutRules
  /** What served when it began, one a slot: what a rollback restores. */
  readonly before: readonly Replaced[]
}

/** Of the workloads of a cluster: Bellows changes them (`drive`), or waits for somebody else who does (`observe`). */
export interface RollStarted extends Started, Pick<KubernetesDeploy, 'mode' | 'workloads'> {
  /** Versions that ran, or would have been started, when it began. */
  readonly before: readonly { readonly version: string }[]
}

export interface Replaced extends Placement {
  /** One that was not healthy is nobody's loss, and nothing that a rollback has to make better. */
  readonly available: boolean
}

export interface InstanceFailed {
  readonly kind: 'failed'
  readonly id: string
  readonly because: string
  /** Its last lines, oldest first. */
  readonly log: readonly string[]
}

export interface Asked {
  readonly kind: 'asked'
  readonly request: RolloutRequest
  /** Position of the request, so that it is heard once. */
  readonly seq: number
  readonly by: string
}

/** `abandoned`: stopped where it stood, because somebody wanted that and there was no way back, or deploys something else. */
export type RolloutOutcome = 'done' | 'rolled_back' | 'abandoned'

/** An event as the journal returns it. */
export interface RolloutEntry {
  readonly seq: number
  /** Milliseconds since 1970, by the clock of the database. */
  readonly atMs: number
  readonly event: RolloutEvent
}

/** Why a run stands still whose last event this is; absent while it is on its way. */
export function standsBecause(event: RolloutEvent): string | undefined {
  switch (event.kind) {
    case 'paused':
      return `the rollout is paused: ${event.because}`
    case 'turned_back':
      return `the rollout is being taken back: ${event.because}`
    case 'ended':
      return event.outcome === 'done'
        ? undefined
        : `the rollout was ${OUTCOME_WORDS[event.outcome]}: ${event.because}`
    default:
      return undefined
  }
}

const OUTCOME_WORDS = { rolled_back: 'taken back', abandoned: 'abandoned' } as const
