import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'vitest'
import { isRunning, markProcess, type ProcessMark } from '../../../src/adapters/os/process-mark.ts'
import { cleanUp } from '../../support/database.ts'
import { builtMain, nodeEnvironment } from '../../support/node-process.ts'
import type { Site } from './cli-support.ts'

export interface SocketHolder {
  readonly port: number
  /** Starts `bellows supervise`, and waits until it answers. */
  up(): Promise<ProcessMark>
}

/** Holds a socket, and starts the supervisor with it under the name "web", as systemd does. It accepts nothing itself. */
export async function socketHolder({ place, deployer }: Site): Promise<SocketHolder> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd: number } }
  const supervise = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$0" "$1" supervise'
  const shell = spawn(
    '/bin/sh',
    [
      '-c',
      `while read -r start; do sh -c '${supervise}' "$0" "$1" </dev/null >/dev/null & echo $!; done`,
      process.execPath,
      builtMain(),
    ],
    {
      cwd: place.folder,
      env: nodeEnvironment(),
      stdio: ['pipe', 'pipe', 'ignore', handle.fd],
    },
  )
  // This process would accept, too.
  server.close()
  const started: ProcessMark[] = []
  cleanUp(async () => {
    shell.kill('SIGKILL')
    for (const mark of started) if (isRunning(mark)) process.kill(mark.pid, 'SIGKILL')
  })
  const answer = (): Promise<string> =>
    deployer.fleet().then(
      () => 'up',
      (error: Error) => error.message,
    )
  return {
    port,
    up: async () => {
      shell.stdin?.write('start\n')
      const [line] = await once(shell.stdout as NodeJS.ReadableStream, 'data')
      const mark = markProcess(Number(String(line)))
      started.push(mark)
      await expect.poll(answer).toBe('up')
      return mark
    },
  }
}
