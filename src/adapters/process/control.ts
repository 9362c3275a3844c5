import type { Placement } from '../../core/rollout/fleet.ts'
import type { Deployer } from '../../engine/ports.ts'

/** What `bellows deploy` asks the supervisor over its socket: the calls of `Deployer`, by name. */
export type Call =
  | { readonly call: 'fleet' }
  | { readonly call: 'start'; readonly placement: Placement }
  | { readonly call: 'serve' | 'drain' | 'stop' | 'forget'; readonly id: string }
  | { readonly call: 'log'; readonly id: string; readonly lines: number }

/** What comes back when a call failed. */
export interface Refused {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint?: string | undefined
  }
}

/** Of the calls, raised when they change: a supervisor may be older or newer than who asks it. */
export const CONTROL_PATH = '/bellows/1'

export function perform(deployer: Deployer, call: Call): Promise<unknown> {
  switch (call.call) {
    case 'fleet':
      return deployer.fleet()
    case 'start':
      return deployer.start(call.placement)
    case 'log':
      return deployer.log(call.id, call.lines)
    case 'serve':
    case 'drain':
    case 'stop':
    case 'forget':
      return deployer[call.call](call.id)
  }
}
