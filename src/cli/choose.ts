import { existsSync } from 'node:fs'
import {
  type Bellows,
  BellowsError,
  begunNames,
  combined,
  type History,
  latecomers,
  listMigrations,
  type Migration,
  partsOf,
  type Run,
  readMigration,
} from '../index.ts'
import type { Session } from './session.ts'

/** The migration that a command means: the named one, else the one under way, else the first file that was not begun. */
export async function chosenMigration(
  bellows: Bellows,
  folder: string,
  named: string | undefined,
): Promise<Migration> {
  const wanted = nameOf(named)
  const run = wanted === undefined ? (await bellows.runs('open'))[0] : await bellows.run(wanted)
  if (run !== undefined) return await asInFolder(folder, run)
  const files = await listMigrations(folder)
  const begun = wanted === undefined ? begunNames(await historyOf(bellows)) : undefined
  const found = files.find(({ name }) => (begun === undefined ? name === wanted : !begun.has(name)))
  if (found !== undefined) return await readMigration(found.path)
  throw new BellowsError(
    'run_not_found',
    wanted === undefined
      ? `Nothing is pending in "${folder}".`
      : `There is no migration "${wanted}" in "${folder}".`,
    {
      hint:
        wanted === undefined
          ? 'Write the next migration with "bellows new". A version that needs none is brought in by "bellows deploy rollout".'
          : `There is ${files.map(({ name }) => name).join(', ') || 'none yet'}.`,
    },
  )
}

/**
 * What a run was begun with, each part as its file has it now, so that the engine refuses whatever was changed. A part without a file
 * was not.
 */
async function asInFolder(folder: string, { plan }: Run): Promise<Migration> {
  const files = existsSync(folder) ? await listMigrations(folder) : []
  const parts = partsOf(plan.migration).map(async (part) => {
    const file = files.find(({ name }) => name === part.name)
    return file === undefined ? part : await readMigration(file.path)
  })
  return combined(await Promise.all(parts))
}

export const ALL =
  'every migration that was not begun, as one run: released, taken back and contracted together'

/** As `chosenMigration`; with `--all` what is not under way yet is released as one, in the order of the names. */
export async function wantedMigration(
  { bellows, config }: Session,
  named: string | undefined,
  all: true | undefined,
): Promise<Migration> {
  if (all !== true) return await chosenMigration(bellows, config.migrations, named)
  if (named !== undefined)
    throw new BellowsError('config_invalid', `--all is every migration that was not begun, not "${named}".`, {
      hint: 'Leave one of them out.',
    })
  const [open] = await bellows.runs('open')
  if (open !== undefined) return await asInFolder(config.migrations, open)
  const begun = begunNames(await historyOf(bellows))
  const pending = (await listMigrations(config.migrations)).filter(({ name }) => !begun.has(name))
  if (pending.length === 0) return await chosenMigration(bellows, config.migrations, undefined)
  return combined(await Promise.all(pending.map(({ path }) => readMigration(path))))
}

/**
 * The migration that a deployment of a version means: the named one, else the one whose rollout is not over, or was taken back when
 * this version was rolled out last, else as any other command.
 */
export async function deployedMigration(
  bellows: Bellows,
  folder: string,
  { named, version }: { readonly named: string | undefined; readonly version: string },
): Promise<Migration> {
  const rolling = named === undefined ? await rollingRun(bellows, version) : undefined
  if (rolling !== undefined) return await asInFolder(folder, rolling)
  return await chosenMigration(bellows, folder, named)
}

/**
 * The run whose rollout a command means: of the named migration, else the one whose rollout is not over, else the one under way,
 * else the last one, for which a version can be brought in that needs no other change.
 */
export async function deployedRun(bellows: Bellows, named: string | undefined): Promise<Run> {
  if (named !== undefined) return await chosenRun(bellows, named)
  const rolling = await rollingRun(bellows)
  if (rolling !== undefined) return rolling
  const open = await bellows.runs('open')
  const done = open.length > 0 ? [] : (await bellows.runs()).filter(({ state }) => state === 'completed')
  return done.at(-1) ?? (await chosenRun(bellows, named))
}

async function rollingRun(bellows: Bellows, version?: string): Promise<Run | undefined> {
  const id = await bellows.rollingOut(version)
  const [run] = id === undefined ? [] : await bellows.runs({ id })
  return run?.state === 'rolled_back' ? undefined : run
}

/** A migration may be named by its file, as the shell completes it. */
export function nameOf(named: string | undefined): string | undefined {
  return named?.replace(/^.*[/\\]/, '').replace(/\.(ya?ml|json|m?[tj]s)$/, '')
}

/** What was applied or begun; a migration that was rolled back can begin anew. */
export async function historyOf(bellows: Bellows): Promise<History> {
  return { baseline: await bellows.baseline(), runs: await bellows.runs() }
}

/** Says of a migration that its name sorts before one that was begun, as when its branch was merged late. Nothing is wrong with that. */
export async function noteLatecomer({ bellows, terminal }: Session, { name }: Migration): Promise<void> {
  const history = await historyOf(bellows)
  // Its own name suffices: the others are in the history.
  const [late] = latecomers([...begunNames(history), name].toSorted(), history).filter(
    (one) => one.name === name,
  )
  if (late === undefined) return
  terminal.err(`"${name}" sorts before "${late.behind}", which was begun already; it runs all the same.\n`)
}

/** The run that a command means: the newest of the named migration, else the only one that is neither completed nor rolled back. */
export async function chosenRun(bellows: Bellows, named: string | undefined): Promise<Run> {
  const wanted = nameOf(named)
  const begun = wanted === undefined ? undefined : (await bellows.runs({ migration: wanted })).at(-1)
  if (begun !== undefined) return begun
  const open = await bellows.runs('open')
  const [only, ...more] = open
  if (wanted === undefined && only !== undefined && more.length === 0) return only
  const names = open.map((run) => run.plan.migration.name).join(', ')
  if (wanted !== undefined) {
    throw new BellowsError('run_not_found', `The migration "${wanted}" was not begun.`, {
      hint: names === '' ? `Begin it: bellows expand ${wanted}` : `Under way: ${names}.`,
    })
  }
  throw new BellowsError(
    'run_not_found',
    only === undefined ? 'No migration is under way.' : 'Several migrations are under way; say which.',
    {
      hint: names === '' ? 'Begin one: bellows expand' : names,
    },
  )
}
