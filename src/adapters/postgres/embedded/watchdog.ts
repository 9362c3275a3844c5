import { spawn } from 'node:child_process'
import path from 'node:path'
import { BellowsError } from '../../../core/errors.ts'
import { markProcess, type ProcessMark } from '../../os/process-mark.ts'
import { serverEnvironment } from './binaries.ts'
import { type Debris, type Order, type Report, watchdogProgram } from './watchdog-program.ts'

/** A process that outlives this one by as much as it takes to stop the server and to clean up. */
export interface Watchdog {
  readonly mark: ProcessMark
  /**
   * Has the path removed at the end, what was named last first. To be called before there is something at it: a
   * parent may be killed at any moment.
   */
  removeAtEnd(path: string): void
  /** One program at a time. */
  run(order: Order): Run
  /** Lets this process end by itself although the watchdog is there. */
  release(): void
  /** Waits until it ended the program and removed what is temporary, or is gone already. */
  end(): Promise<void>
}

export interface Run {
  /** The pid, or undefined when the program could not be started. */
  readonly started: Promise<number | undefined>
  /** How it ended, in words. */
  readonly ended: Promise<string>
}

/** The outcome of a program whose watchdog is gone: the program itself may still run. */
export const WATCHDOG_GONE = 'its watchdog is gone'

/** @param privateFolder need not be there yet: the watchdog comes first, so that no folder is left behind */
export function spawnWatchdog(privateFolder: string): Watchdog {
  const child = spawn(process.execPath, ['-e', watchdogProgram(privateFolder)], {
    detached: true,
    windowsHide: true,
    // It holds no folder of the user's busy, and the server's user can be there.
    cwd: path.parse(privateFolder).root,
    env: serverEnvironment(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  // Sending to a watchdog that was just killed fails; that it is gone is seen by its exit.
  child.on('error', () => {})
  if (child.pid === undefined) throw new BellowsError('embedded_failed', 'The watchdog process cannot start.')
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const send = (message: Order | Debris): boolean => child.send(message)
  let hear: ((report: Report) => void) | undefined
  child.on('message', (report: Report) => hear?.(report))
  return {
    mark: markProcess(child.pid),
    removeAtEnd(path) {
      send({ kind: 'debris', path })
    },
    run(order) {
      const { promise: started, resolve: start } = settleable<number | undefined>()
      const { promise: ended, resolve: end } = settleable<string>()
      hear = (report) => (report.kind === 'started' ? start(report.pid) : end(report.outcome))
      void exited.then(() => end(WATCHDOG_GONE))
      void ended.then(() => start(undefined))
      send(order)
      return { started, ended }
    },
    release() {
      child.unref()
      child.channel?.unref()
    },
    end() {
      child.ref()
      if (child.connected) child.disconnect()
      return exited
    },
  }
}

/** `Promise.withResolvers`, which Node.js 20 has not. */
function settleable<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
