import type { FleetInstance } from './fleet.ts'
import type { RolloutRules } from './rules.ts'

/** `300 s`, `0.5 s`, as people say it. */
export function secondsOf(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`
}

/** `2 instances`, `1 instance`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** How it is with one that is not gone. */
export function conditionOf(one: FleetInstance, rules: RolloutRules): string {
  const { passes, failures, healthyForMs } = one.health
  const { success, failure } = rules.health
  switch (one.state) {
    case 'starting': {
      if (passes >= success) return `soaking ${wholeSeconds(healthyForMs)}/${secondsOf(rules.minHealthyMs)}`
      return passes === 0 ? 'starting' : `probing ${passes}/${success}`
    }
    case 'serving':
      return failures === 0 ? 'serving' : `serving, ${failures}/${failure} checks failed`
    case 'draining': {
      if (one.inFlight === undefined) return 'draining'
      return `draining (${counted(one.inFlight, 'request')})`
    }
    case 'stopping':
    case 'gone':
      return one.state
  }
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000)
}

/** What a failed health check adds to a sentence. */
export function errorOf(one: FleetInstance): string {
  return one.health.lastError === undefined ? '' : `: ${one.health.lastError}`
}
