import { type Bellows, BellowsError, type Migration, type Run, readMigrations } from '../index.ts'

/** The migration that a command means: the named one, else the one under way, else the first file that was not begun. */
export async function chosenMigration(
  bellows: Bellows,
  folder: string,
  named: string | undefined,
): Promise<Migration> {
  const runs = (await bellows.runs()).filter((run) => run.state !== 'rolled_back')
  if (named === undefined) {
    const open = runs.find((run) => run.state !== 'completed')
    if (open !== undefined) return open.plan.migration
  }
  const files = await readMigrations(folder)
  const wanted =
    named === undefined ? undefined : named.replace(/^.*[/\\]/, '').replace(/\.(ya?ml|json|m?[tj]s)$/, '')
  const begun = new Set(runs.map((run) => run.plan.migration.name))
  const found = files.find(({ name }) => (wanted === undefined ? !begun.has(name) : name === wanted))
  if (found !== undefined) return found
  const started = runs.find((run) => run.plan.migration.name === wanted)
  if (started !== undefined) return started.plan.migration
  throw new BellowsError(
    'run_not_found',
    wanted === undefined
      ? `Nothing is pending in "${folder}".`
      : `There is no migration "${wanted}" in "${folder}".`,
    {
      hint:
        wanted === undefined
          ? 'Write the next migration with "bellows new".'
          : `There is ${files.map(({ name }) => name).join(', ') || 'none yet'}.`,
    },
  )
}

/** The run that a command means: the named one, else the only one that is neither completed nor rolled back. */
export async function chosenRun(bellows: Bellows, named: string | undefined): Promise<Run> {
  const runs = (await bellows.runs()).filter((run) => run.state !== 'rolled_back')
  const open = runs.filter((run) => run.state !== 'completed')
  const wanted = named === undefined ? open : runs.filter((run) => run.plan.migration.name === named)
  const [only, ...more] = wanted
  if (only !== undefined && more.length === 0) return only
  const names = open.map((run) => run.plan.migration.name).join(', ')
  if (named !== undefined) {
    throw new BellowsError('run_not_found', `The migration "${named}" was not begun.`, {
      hint: names === '' ? `Begin it: bellows expand ${named}` : `Under way: ${names}.`,
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
