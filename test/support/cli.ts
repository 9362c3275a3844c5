import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { cleanUp } from './database.ts'
import { builtMain, nodeEnvironment } from './node-process.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A folder as a user has it, with the program to be run in it. */
export interface Workplace {
  readonly folder: string
  write(file: string, content: string): Promise<void>
  remove(file: string): Promise<void>
  run(...args: string[]): Promise<Ran>
  /** For tests that end it before it ends by itself. */
  start(...args: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ran> }
}

/** @param there a folder that somebody made already; absent: a new one */
export async function workplace(env: NodeJS.ProcessEnv = {}, there?: string): Promise<Workplace> {
  const folder = there ?? (await newFolder())
  const start = (...args: string[]) => {
    const child = spawn(process.execPath, [builtMain(), ...args], {
      cwd: folder,
      env: nodeEnvironment({ NO_COLOR: '1', ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    cleanUp(async () => {
      child.kill('SIGKILL')
    })
    return { child, ended: collected(child) }
  }
  return {
    folder,
    write: (file, content) => writeFile(path.join(folder, file), content),
    remove: (file) => rm(path.join(folder, file), { recursive: true }),
    run: (...args) => start(...args).ended,
    start,
  }
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bellows-cli-'))
  cleanUp(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function collected(child: ChildProcess): Promise<Ran> {
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  await once(child, 'close')
  return { code: child.exitCode, out, err }
}
