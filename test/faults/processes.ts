import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { SettingsChange } from '../../src/config.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import type { Migration } from '../../src/index.ts'
import { cleanUp } from '../support/database.ts'

const PROGRAM = fileURLToPath(new URL('../support/fixtures/driver-process.mjs', import.meta.url))

/** Where a driver pauses: in front of an effect or behind it, by parts of its kind and of what it does. */
export interface Pause {
  readonly when: 'before' | 'after'
  readonly kind: string
  readonly what: string
}

export interface Orders {
  readonly url: string
  readonly migration: Migration
  readonly until: Phase
  readonly settings: SettingsChange
  readonly application?: string
  readonly pauses?: readonly Pause[]
  /** Before a pause the session lets go of the driver's lock, as the reset of a session pooler does. */
  readonly loseLock?: boolean
}

/** How a driver ended: the state of the run, or the code of the error. */
export type Ending = { readonly ended: string } | { readonly failed: string; readonly message: string }

export interface DriverProcess {
  /** Until the driver has come to its next pause. */
  paused(): Promise<void>
  /** Lets a paused driver go on. */
  goOn(): void
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void
  isRunning(): boolean
  readonly ending: Promise<Ending>
}

/** Starts a driver in a process of its own. It is killed after the test, if it still runs. */
export function startDriver(orders: Orders): DriverProcess {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  cleanUp(async () => {
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await exited
  })
  let pausesSeen = 0
  let pausesTaken = 0
  const waiting: (() => void)[] = []
  const ending = heard(child, (line) => {
    if (!('paused' in line)) return
    pausesSeen += 1
    waiting.shift()?.()
  })
  return {
    paused: async () => {
      pausesTaken += 1
      if (pausesSeen >= pausesTaken) return
      const isPaused = new Promise<void>((resolve) => waiting.push(resolve))
      const early = ending.then((ended) => {
        throw new Error(`the driver ended before it paused: ${JSON.stringify(ended)}`)
      })
      await Promise.race([isPaused, early])
    },
    goOn: () => void child.stdin?.write('go on\n'),
    signal: (name) => void child.kill(name),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    ending,
  }
}

/** Reads what the driver says up to how it ended. */
async function heard(child: ChildProcess, onLine: (line: object) => void): Promise<Ending> {
  if (child.stdout === null) throw new Error('the driver has no stdout')
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as object
    if ('ended' in line || 'failed' in line) return line as Ending
    onLine(line)
  }
  return { failed: 'killed', message: 'the process ended without a word' }
}
