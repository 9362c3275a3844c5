import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CommandDeployerOptions } from '../../src/adapters/command/deployer.ts'
import { cleanUp } from './database.ts'

const PROGRAM = fileURLToPath(new URL('./fixtures/orchestrator.sh', import.meta.url))

export interface Orchestrator {
  readonly folder: string
  readonly options: CommandDeployerOptions
  kill(id: string): Promise<void>
  /** A file by which the program changes what it does: `blind`, `broken`, `sick-2`. */
  flag(name: string): Promise<void>
}

/** A folder with an orchestrator of its own. What it started is ended after the test. */
export async function orchestrator(): Promise<Orchestrator> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bellows-orchestrator-'))
  const pidOf = async (id: string) => Number(await readFile(path.join(folder, id, 'pid'), 'utf8'))
  cleanUp(async () => {
    for (const id of await readdir(folder)) {
      const pid = await pidOf(id).catch(() => undefined)
      if (pid !== undefined) end(pid)
    }
    await rm(folder, { recursive: true, force: true })
  })
  const command = `ORCHESTRATOR='${folder}' sh '${PROGRAM}'`
  return {
    folder,
    options: {
      start: command,
      serve: command,
      drain: command,
      stop: command,
      fleet: command,
      log: command,
      timeoutMs: 20_000,
      stopTimeoutMs: 5_000,
      healthIntervalMs: 1,
    },
    kill: async (id) => end(await pidOf(id)),
    flag: (name) => writeFile(path.join(folder, name), ''),
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended before.
  }
}
