import { type Event, rolloutEventText } from '../../index.ts'
import { duration, grouped } from './figures.ts'

/** An event of a run as a line for people; absent for what is of no interest to them. */
export function eventText({
  event,
  schemaVersion,
}: {
  readonly event: Event
  readonly schemaVersion?: number
}): string | undefined {
  switch (event.type) {
    case 'phase_entered':
      return `${event.phase} begins`
    case 'step_started':
      return undefined
    case 'step_done':
      return `${event.step}: done${event.facts?.rows === undefined ? '' : `, ${grouped(event.facts.rows)} rows`}`
    case 'step_failed':
      return `${event.step} stopped: ${event.message}`
    case 'version_applied':
      return `version ${schemaVersion ?? '?'}: ${event.name}`
    case 'version_withdrawn':
      return `version ${event.version} is taken back: ${event.name}`
    case 'verification_failed':
      return `${event.step}: ${event.verdict.diverged} rows differ, ${event.verdict.unfilled} are unfilled`
    case 'gate_closed':
      return `the gate is closed: ${event.because.join('; ')}`
    case 'gate_opened':
      return 'the gate is open'
    case 'gate_overridden':
      return event.setting === undefined
        ? `the check "${event.check}" is gone without: ${event.reason}`
        : `the check "${event.check}" is loosened (${event.setting}): ${event.reason}`
    case 'brownout':
      return event.ms === 0 ? 'the brownout is over' : `brownout for ${duration(event.ms / 1_000)}`
    case 'purge_scheduled':
      return `what is hidden may be dropped after ${duration(event.graceMs / 1_000)}`
    case 'rollout':
      return rolloutEventText(event.event)
    default:
      return ENDS[event.type]
  }
}

const ENDS = {
  retire_undone: 'the old shape is back',
  rollback_started: 'the rollback begins',
  run_rolled_back: 'all is as it was at the start',
  run_completed: 'all is done',
} as const
