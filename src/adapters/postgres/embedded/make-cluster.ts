import { randomBytes } from 'node:crypto'
import { readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { SUPERUSER } from './address.ts'
import { NEW_PGDATA_PREFIX } from './layout.ts'
import { makeServerFolder } from './private-folder.ts'
import { programFailed } from './program-failed.ts'
import { logOf, orderOf, pgdataOf, type Setup } from './setup.ts'

/**
 * Runs initdb beside the place of the data and moves the result there, so that data is there whole or not at all.
 * The name is a new one each time: an initdb that survived its killed parent must not write into ours.
 */
export async function makeCluster(setup: Setup): Promise<void> {
  for (const name of readdirSync(setup.folder)) {
    if (name.startsWith(NEW_PGDATA_PREFIX))
      rmSync(path.join(setup.folder, name), { recursive: true, force: true })
  }
  const fresh = path.join(setup.folder, NEW_PGDATA_PREFIX + randomBytes(4).toString('hex'))
  setup.watchdog.removeAtEnd(fresh)
  makeServerFolder(fresh, setup.identity)
  const args = initdbArguments(fresh, setup.binaries.major)
  const run = setup.watchdog.run(orderOf(setup, { kind: 'tool', file: setup.binaries.initdb, args }))
  const outcome = await run.ended
  if (outcome !== 'exit code 0') throw programFailed('initdb', outcome, logOf(setup))
  renameSync(fresh, pgdataOf(setup))
}

/** Nobody is let in by the rules that initdb writes: ours are given at each start, those are for a start by hand. */
export function initdbArguments(pgdata: string, major: number): string[] {
  const common = [
    '-D',
    pgdata,
    '-U',
    SUPERUSER,
    '--encoding=UTF8',
    '--auth=reject',
    '--no-instructions',
    '--no-sync',
  ]
  return [...common, ...localeArguments(major)]
}

/**
 * The built-in provider sorts the same everywhere. What is left to the C library is C.UTF-8 too where every
 * installation has it; macOS and Windows do not.
 */
function localeArguments(major: number): string[] {
  if (major < 17) return ['--locale=C']
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C'
  return ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', `--locale=${locale}`]
}
