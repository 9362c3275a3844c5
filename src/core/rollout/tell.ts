import type { RolloutEvent, RolloutStarted, RollStarted } from './event.ts'
import { slotName } from './rollout.ts'
import { versionWords } from './seen-version.ts'
import { workloadName } from './workload.ts'
import type { WorkloadEvent } from './workload-event.ts'

/** One line for people, the same on a terminal, in a log and on a page; absent for what is of no interest to them. */
export function rolloutEventText(event: RolloutEvent): string | undefined {
  switch (event.kind) {
    case 'rollout_started':
      return `rollout ${event.number} begins: "${event.version}" for ${wishWords(event)}`
    case 'workload':
      return workloadText(event.event)
    case 'batch_started':
      return `next: ${event.slots.map(slotName).join(', ')}`
    case 'placed':
      return `${event.placement.id} starts`
    case 'running':
      return undefined
    case 'serving':
      return `${event.id} serves`
    case 'failed':
      return `${event.id} failed: ${event.because}`
    case 'draining':
      return `${event.id} drains`
    case 'gone':
      return `${event.id} is gone`
    case 'batch_settled':
      return 'all of it is as it should be'
    case 'checked':
      return `check "${event.name}": ${event.outcome}, ${event.because}`
    case 'asked':
      return `${event.by} asks to ${event.request}`
    case 'paused':
      return `paused: ${event.because}`
    case 'turned_back':
      return `taking it back: ${event.because}`
    case 'ended':
      return `${ENDINGS[event.outcome]}: ${event.because}`
  }
}

function wishWords(event: RolloutStarted | RollStarted): string {
  if (!('workloads' in event))
    return event.roles.map(({ role, instances }) => `${instances} ${role}`).join(', ')
  return event.workloads.map((workload) => `the ${workloadName(workload)}`).join(', ')
}

/** That the roll goes back has an event of its own. */
function workloadText(event: WorkloadEvent): string | undefined {
  switch (event.type) {
    case 'workload_changed':
      return `the ${event.workload} gets ${versionWords(event.ours.version)}`
    case 'workload_put_back':
      return `the ${event.workload} gets ${versionWords(event.ours.version)} back`
    case 'workload_rolled':
    case 'workload_overtaken':
    case 'workload_restored':
    case 'workload_stuck':
      return event.because.join('; ')
    case 'workload_saved':
    case 'workload_failed':
    case 'roll_aborted':
      return undefined
  }
}

const ENDINGS = { done: 'done', rolled_back: 'taken back', abandoned: 'abandoned' } as const
