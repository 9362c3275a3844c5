import type { RolloutEvent } from './event.ts'
import { slotName } from './rollout.ts'

/** One line for people, the same on a terminal, in a log and on a page; absent for what is of no interest to them. */
export function rolloutEventText(event: RolloutEvent): string | undefined {
  switch (event.kind) {
    case 'rollout_started': {
      const roles = event.roles.map(({ role, instances }) => `${instances} ${role}`).join(', ')
      return `rollout ${event.number} begins: "${event.version}" for ${roles}`
    }
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

const ENDINGS = { done: 'done', rolled_back: 'taken back', abandoned: 'abandoned' } as const
