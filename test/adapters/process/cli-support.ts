import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { processDeployer } from '../../../src/adapters/process/control-client.ts'
import type { RolloutChange } from '../../../src/config.ts'
import type { ProcessRole } from '../../../src/core/processes/config.ts'
import type { Deployer } from '../../../src/engine/ports.ts'
import { type Ran, type Workplace, workplace } from '../../support/cli.ts'
import { cleanUp } from '../../support/database.ts'
import { stateFolder, webRole } from './support.ts'

export interface Site {
  readonly state: string
  /** Where clients reach the role "web". */
  readonly port: number
  readonly deployer: Deployer
  readonly place: Workplace
  /** Starts `bellows supervise` as a process of its own, and waits until it answers. */
  up(...flags: string[]): Promise<{ readonly child: ChildProcess; readonly ended: Promise<Ran> }>
  /** As `kill -9` does. */
  killed(running: { readonly child: ChildProcess; readonly ended: Promise<Ran> }): Promise<void>
  /** Numbers of all processes that were ever started for this site and run now, found without any record. */
  processes(): readonly number[]
  /** The roles, and the rules of rollouts where a deployment reads them. */
  configure(roles: Readonly<Record<string, Partial<ProcessRole>>>, rollout?: RolloutChange): Promise<void>
}

/** A folder with a config file, in which the role "web" is the application of the tests. */
export async function site(change: Partial<ProcessRole> = {}): Promise<Site> {
  const state = await stateFolder()
  const token = `TEST_SITE=${randomUUID()}`
  const [name = '', value = ''] = token.split('=')
  const place = await workplace({ [name]: value })
  const web = await webRole(change)
  const configure: Site['configure'] = async (roles, rollout = {}) => {
    const format = Object.entries(roles).map(([role, given]) => [role, sectionOf(given)])
    const config = { deploy: { processes: { state, roles: Object.fromEntries(format) }, rollout } }
    await place.write('bellows.config.json', JSON.stringify(config))
  }
  await configure({ web })
  const deployer = processDeployer(state)
  cleanUp(async () => {
    for (const pid of processesWith(token)) process.kill(pid, 'SIGKILL')
  })
  return {
    state,
    port: web.listen?.port ?? 0,
    deployer,
    place,
    configure,
    up: async (...flags) => {
      const running = place.start('supervise', ...flags)
      const state = (): Promise<unknown> => {
        const answer = deployer.fleet().then(
          () => 'up',
          () => 'not yet',
        )
        // What it said, should it have ended.
        return Promise.race([running.ended, answer])
      }
      await expect.poll(state).toBe('up')
      return running
    },
    killed: async ({ child, ended }) => {
      child.kill('SIGKILL')
      await ended
    },
    processes: () => processesWith(token).filter((pid) => !commandOf(pid).includes('supervise')),
  }
}

function sectionOf({ listen, health, ...role }: Partial<ProcessRole>): object {
  const { kind: _, ...asked } = health ?? { kind: 'alive' }
  return {
    ...role,
    health: asked,
    ...(listen === undefined ? {} : { listen: `${listen.host}:${listen.port}` }),
  }
}

function processesWith(token: string): readonly number[] {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return numbers.filter((pid) => proc(pid, 'environ').split('\0').includes(token)).map(Number)
}

const commandOf = (pid: number): string => proc(String(pid), 'cmdline')

function proc(pid: string, file: string): string {
  try {
    return readFileSync(path.join('/proc', pid, file), 'latin1')
  } catch {
    return ''
  }
}
