import { BellowsError } from '../../core/errors.ts'
import type { ProcessesConfig } from '../../core/processes/config.ts'
import type { Placement } from '../../core/rollout/fleet.ts'
import type { Deployer } from '../../engine/ports.ts'
import type { Child } from './child.ts'
import type { Children } from './children.ts'
import type { Logs } from './logs.ts'

const LINES_MAX = 10_000
/** It becomes the name of files. */
const ID = /^\w[\w.-]{0,127}$/

/** The children as a deployment drives them. */
export function fleetOf(children: Children, config: ProcessesConfig, logs: Logs): Deployer {
  return {
    fleet: async () => children.look(),
    start: async (placement) => {
      checkPlacement(placement, config)
      if (children.get(placement.id) === undefined) await children.start(placement)
    },
    serve: async (id) => {
      const child = known(children, id)
      if (await child.serve()) return
      const { state } = child.record
      throw new BellowsError('instance_unknown', `The instance "${id}" is ${state}: it cannot be given work.`)
    },
    drain: async (id) => await children.get(id)?.drain(),
    stop: async (id) => await children.get(id)?.stop(),
    forget: async (id) => {
      const state = children.get(id)?.record.state
      if (state === 'gone') await children.forget(id)
      else if (state !== undefined)
        throw new BellowsError(
          'phase_order',
          `The instance "${id}" is ${state}, not gone: it is not forgotten.`,
        )
    },
    log: async (id, lines) => await logs.tail(known(children, id).record.id, Math.min(lines, LINES_MAX)),
  }
}

function known(children: Children, id: string): Child {
  const child = children.get(id)
  if (child !== undefined) return child
  throw new BellowsError('instance_unknown', `The supervisor knows no instance "${id}".`)
}

function checkPlacement({ id, role }: Placement, { roles }: ProcessesConfig): void {
  if (!ID.test(id))
    throw new BellowsError('name_invalid', `"${id}" cannot be the name of an instance.`, {
      hint: 'It must have 1 to 128 letters, digits, "-", "_" or ".", and begin with a letter, a digit or "_".',
    })
  if (Object.hasOwn(roles, role)) return
  throw new BellowsError('config_invalid', `The supervisor has no role "${role}".`, {
    hint: 'When deploy.processes.roles in the config file has it, start the supervisor again; its children run on.',
  })
}
