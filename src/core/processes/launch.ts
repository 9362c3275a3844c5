import type { Placement } from '../rollout/fleet.ts'
import type { ProcessRole } from './config.ts'

/** A program to run. */
export interface Launch {
  readonly command: readonly string[]
  readonly cwd: string
  /** What is added to the environment of the supervisor. */
  readonly env: Readonly<Record<string, string>>
}

/** What to run for an instance, with its names and its port filled in. */
export function launchOf(role: ProcessRole, placement: Placement, port: number | undefined): Launch {
  const fill = filler(placement, port)
  return {
    command: role.command.map(fill),
    cwd: fill(role.cwd),
    env: {
      ...Object.fromEntries(Object.entries(role.env).map(([name, value]) => [name, fill(value)])),
      ...(port === undefined ? {} : { PORT: String(port) }),
      BELLOWS_INSTANCE: placement.id,
      BELLOWS_ROLE: placement.role,
      BELLOWS_SLOT: String(placement.slot),
      BELLOWS_VERSION: placement.version,
    },
  }
}

/** Other words in braces stay: a command may well have some JSON in it. */
export function filler({ version, slot, id }: Placement, port: number | undefined): (text: string) => string {
  const values = new Map([
    ['version', version],
    ['slot', String(slot)],
    ['instance', id],
    ...(port === undefined ? [] : [['port', String(port)] as const]),
  ])
  return (text) => text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values.get(name) ?? whole)
}
