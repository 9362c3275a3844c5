import { expect } from 'vitest'
import { BellowsError } from '../../../src/core/errors.ts'
import { arranged } from '../../../src/core/plan/arranged.ts'
import type { Bellows } from '../../../src/engine/bellows.ts'
import { catalog, traces } from '../../support/catalog.ts'
import { able, OLD, RENEWED, request, trickle } from './applications.ts'
import type { Clones, OpenDatabase } from './clones.ts'
import { advance, type Life, ROWS } from './lives.ts'
import type { State } from './states.ts'

/** What a life looks like when nobody is killed. */
export interface Unharmed {
  readonly start: readonly string[]
  readonly end: readonly string[]
  readonly versions: readonly string[]
}

type Recovery = (database: OpenDatabase, bellows: Bellows) => Promise<void>

/** Goes on to the end with a fresh engine, while applications of both versions work. */
export function resuming(life: Life, unharmed: Unharmed): Recovery {
  return async (database, bellows) => {
    const { old, renewed, installed } = await able(database)
    if (old) await request(database.query, OLD)
    if (renewed) await request(database.query, RENEWED)
    const isRename = renamesOfUsers(life)
    // A row that is written before the dual write is there has to be filled, and would be counted.
    if (isRename && old) {
      await advance(bellows, life, 'expand', database.query)
      await whileTrickling(database, OLD, () => advance(bellows, life, 'verify', database.query))
    }
    if (isRename)
      await whileTrickling(database, RENEWED, () => advance(bellows, life, 'purge', database.query))
    else await advance(bellows, life, 'purge', database.query)
    expect(await catalog(database), 'the catalog is that of a life without a crash').toEqual(unharmed.end)
    await isAsUnharmed(database, bellows, life, unharmed, installed || !isRename ? 0 : 1)
  }
}

/** Does the application know a column of its table by another name afterwards? */
function renamesOfUsers({ migration }: Life): boolean {
  return migration.operations.some((op) => op.kind === 'rename_column' && op.table === 'users')
}

async function isAsUnharmed(
  database: OpenDatabase,
  bellows: Bellows,
  life: Life,
  unharmed: Unharmed,
  more: number,
): Promise<void> {
  const versions = await bellows.versions()
  expect(
    versions.map(({ version }) => version),
    'versions are numbered from 1 without a gap',
  ).toEqual(versions.map((_, at) => at + 1))
  expect(versions.map(({ name }) => name)).toEqual(unharmed.versions)
  const counted = versions.flatMap(({ name, facts }) =>
    facts.rows === undefined ? [] : [`${name}: ${facts.rows}`],
  )
  const filled = Object.entries(life.filled).map(([name, rows]) => `${name}: ${rows + more}`)
  expect(counted, 'every row is counted once').toEqual(filled)
  const done = await database.query(
    `select event ->> 'step' as step, count(*) from bellows.event where event ->> 'type' in ('step_done', 'run_completed')
      and not (event ->> 'step' ~ '/(retire|rollback)/' and exists (select from bellows.event where event ->> 'step' ~ '/rollback/'))
      group by 1 having count(*) > 1`,
  )
  expect(done, 'no step is done twice').toEqual([])
  expect((await bellows.run(life.migration.name))?.state).toBe('completed')
  const [grace] = await database.query<{ ms: number | null }>(
    `select extract(epoch from max(at) filter (where event ->> 'step' like '%/purge/%') - max(at) filter (where event ->> 'step' like '%/retire/%'))::float8 * 1000 as ms
      from bellows.event where event ->> 'type' = 'step_done'`,
  )
  expect(grace?.ms ?? 0, 'the grace was waited for').toBeGreaterThanOrEqual(life.settings.graceMs ?? 0)
  await hasNoTrace(database, true)
  await hasAllRows(database, life)
}

/** Goes back with a fresh engine where that is still possible; otherwise it is told so, and every value is there. */
export function rollingBack(life: Life, unharmed: Unharmed): Recovery {
  return async (database, bellows) => {
    const { old, renewed } = await able(database)
    if (old) await request(database.query, OLD)
    if (renewed) await request(database.query, RENEWED)
    const run = await bellows.run(life.migration.name)
    const rollback = () => bellows.change((driver) => driver.rollback(run?.id ?? 0))
    const isOver = run?.state === 'completed' || run?.state === 'purging'
    if ((await isBeyondReturn(database, life)) || isOver) {
      await expect(rollback(), 'there is no way back').rejects.toMatchObject({ code: 'not_reversible' })
      await hasAllRows(database, life)
      await advance(bellows, life, 'purge', database.query)
      expect(await catalog(database)).toEqual(unharmed.end)
    } else {
      if (run !== undefined) await rollback()
      const goesBack = (line: string) => life.stays === undefined || !line.startsWith(life.stays)
      expect((await catalog(database)).filter(goesBack), 'the catalog is that of the start').toEqual(
        unharmed.start.filter(goesBack),
      )
      expect(await bellows.versions(), 'no version stands').toEqual([])
      expect(await bellows.run(life.migration.name), 'the run counts as none').toBeUndefined()
    }
    await hasNoTrace(database, run !== undefined)
    await hasAllRows(database, life)
  }
}

/** Is a column or a table of the migration gone, rather than there or hidden? */
async function isBeyondReturn(database: OpenDatabase, life: Life): Promise<boolean> {
  // By the names that they have until the contract.
  const leaving = arranged(life.migration).operations.flatMap((op) =>
    op.kind === 'rename_column' || op.kind === 'split_column'
      ? [`${op.table}.${op.from}`]
      : op.kind === 'drop_column'
        ? [`${op.table}.${op.column}`]
        : op.kind === 'merge_columns'
          ? op.from.map(({ name }) => `${op.table}.${name}`)
          : [],
  )
  const gone = await database.query(
    `select from unnest($1::text[]) one, split_part(one, '.', 2) leaving where not exists (select from pg_attribute
      where attrelid = to_regclass(split_part(one, '.', 1)) and not attisdropped and (attname = leaving or attname ~ ('^bellows_retired_.*_' || leaving || '$')))`,
    [leaving],
  )
  const dropped = await database.query(
    `select from unnest($1::text[]) leaving where not exists (select from pg_class where relname = leaving or relname ~ ('^bellows_retired_.*_' || leaving || '$'))`,
    [life.migration.operations.flatMap((op) => (op.kind === 'drop_table' ? [op.table] : []))],
  )
  const oneWay = life.isOneWay === undefined ? [] : await database.query(life.isOneWay)
  return gone.length + dropped.length + oneWay.length > 0
}

/** Undoes with a fresh engine: if the crash came after the end of the undo, there is nothing left to undo. */
export function undoing(life: Life, then: Recovery): Recovery {
  return async (database, bellows) => {
    const run = await bellows.run(life.migration.name)
    await bellows
      .change((driver) => driver.undo(run?.id ?? 0))
      .catch((error: unknown) => {
        if (!(error instanceof BellowsError && error.code === 'not_reversible')) throw error
      })
    expect(await isHidden(database), 'nothing is hidden any more').toBe(false)
    expect((await bellows.run(life.migration.name))?.state).toBe('rolling_out')
    await then(database, bellows)
  }
}

async function isHidden(database: OpenDatabase): Promise<boolean> {
  const hidden = await database.query(
    `select from pg_attribute where attname like 'bellows\\_retired%' and not attisdropped
      union all select from pg_class where relname like 'bellows\\_retired%' and relkind = 'r'`,
  )
  return hidden.length > 0
}

async function whileTrickling(
  database: OpenDatabase,
  names: typeof OLD,
  work: () => Promise<void>,
): Promise<void> {
  const running = await trickle(database, names)
  try {
    await work()
  } finally {
    expect(await running.stop(), 'no statement of an application failed').toEqual([])
  }
}

/** The heartbeat of a driver that was killed stays until the next one. */
async function hasNoTrace(database: OpenDatabase, wasDriven: boolean): Promise<void> {
  const [there] = await database.query(`select to_regclass('bellows.meta') as there`)
  if (there?.there === null) return
  expect(await traces(database), 'nothing of ours remains').toEqual([])
  if (wasDriven)
    expect(await database.query('select * from bellows.heartbeat'), 'no driver is left').toEqual([])
}

/** Every row has what its application wrote last, under whichever name the column has now. */
async function hasAllRows(database: OpenDatabase, life: Life): Promise<void> {
  const { old } = await able(database)
  const { name, team } = old ? OLD : RENEWED
  const wrong = await database.query(`
    select id, ${name}, said from users where ${name} is distinct from said
    union all select id, ${team}::text, said from users where id <= ${ROWS} and ${team} is distinct from nullif(id % 10, 0)`)
  expect(wrong, 'rows that are not as they were written').toEqual([])
  const [count] = await database.query(`select count(*)::int from users where id <= ${ROWS}`)
  expect(count, 'rows of the start').toEqual({ count: ROWS })
  if (life.wrong !== undefined)
    expect(await database.query(life.wrong), 'rows that lost something').toEqual([])
}

/** More say nothing new. */
const FAILURES_MAX = 8

/** Tries a recovery from every state, each on a copy of its own, and returns what went wrong and where. */
export async function recoverFromAll(
  clones: Clones,
  states: readonly State[],
  life: Life,
  recovery: Recovery,
): Promise<string[]> {
  const failures: string[] = []
  await severalAtOnce(states, async (state) => {
    const failure = await recoverFrom(clones, state, life, recovery)
    if (failure !== undefined) failures.push(`${state.points.join(' = ')}\n${failure}`)
  })
  return failures.slice(0, FAILURES_MAX)
}

const AT_ONCE = 4

export async function severalAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** With both sides of a comparison, which vitest keeps apart from the message. */
function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { actual, expected } = error as { actual?: unknown; expected?: unknown }
  const lines = (value: unknown): string[] =>
    Array.isArray(value) ? value.map((line) => JSON.stringify(line)) : [String(value)]
  const [is, should] = [lines(actual), lines(expected)]
  const differing = [
    ...is.filter((line) => !should.includes(line)).map((line) => `is: ${line}`),
    ...should.filter((line) => !is.includes(line)).map((line) => `should be: ${line}`),
  ]
  return [error.stack ?? error.message, ...differing].join('\n')
}

async function recoverFrom(
  clones: Clones,
  state: State,
  life: Life,
  recovery: Recovery,
): Promise<string | undefined> {
  const copy = await clones.copyOf(state.database)
  const database = await clones.open(copy)
  try {
    await recovery(database, await database.bellows({ settings: life.settings }))
    return undefined
  } catch (error) {
    return explained(error)
  } finally {
    await database.close()
    await clones.drop(copy)
  }
}
