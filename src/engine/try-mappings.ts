import { BellowsError, type ErrorCode } from '../core/errors.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { BackfillStep } from '../core/plan/step.ts'
import {
  type BadRow,
  type Filling,
  isWorthTrying,
  TRIAL,
  TRIAL_MS,
  type Trial,
  trialSql,
} from '../core/plan/trial.ts'
import { isSameName } from '../core/schema/model.ts'
import type { Engine } from './context.ts'

/** Beyond the time of a trial only a single row that takes long goes. */
const ROW_MS = 1_000

/**
 * Tries what rows are to get on those that are there, before a run begins. In a large table some are tried: what it does not find here the
 * backfill finds, or the verification.
 * @throws BellowsError `rows_in_the_way` with some of them; nothing was changed
 */
export async function tryMappings(engine: Engine, { steps, migration }: Plan): Promise<void> {
  const leavesOut = engine.settings.batch.onBadRow === 'quarantine'
  const isChangedBefore = migration.operations.some((op) => op.kind === 'sql' && op.phase === 'expand')
  for (const filling of byTable(steps)) {
    if (!isWorthTrying(filling, { leavesOut })) continue
    const trial = isChangedBefore ? CHANGED_BEFORE : await tried(engine, filling, leavesOut)
    if (typeof trial === 'object' && trial.found.length > 0) throw inTheWay(filling, trial.found, leavesOut)
    const because = typeof trial === 'object' ? leftOver(trial) : trial
    if (because !== undefined) engine.notify({ type: 'partly_tried', table: filling.table.name, because })
  }
}

/** Also the very rows that are in the way. */
const CHANGED_BEFORE = 'a statement of the migration may change them first; the backfill tries them'

/** A table is read once, however many of its columns are filled. */
function byTable(steps: Plan['steps']): readonly Filling[] {
  const fills = steps.filter((step): step is BackfillStep => step.kind === 'backfill')
  return fills.flatMap(({ id, table, key }, at) => {
    const ofTable = fills.filter((other) => isSameName(other.table, table))
    return ofTable[0] === fills[at]
      ? [{ id, table, key, tries: ofTable.flatMap(({ tries = [] }) => tries) }]
      : []
  })
}

/** Or why nothing can be said; nothing at all of rows that are not there yet. */
async function tried(
  engine: Engine,
  filling: Filling,
  leavesOut: boolean,
): Promise<Trial | string | undefined> {
  try {
    const [trial] = await engine.database.readOnly<Trial>(
      TRIAL,
      TRIAL_MS + ROW_MS,
      trialSql(filling, { leavesOut }),
    )
    return trial
  } catch (error) {
    if (!(error instanceof BellowsError) || !OF_STATEMENT.includes(error.code)) throw error
    if (NOT_THERE.includes(error.sqlstate)) return undefined
    return `${error.message.replace(/\.$/, '')}; the backfill tries them`
  }
}

/** Whoever reads may have to wait, or lack a right that the trigger will have: a trial is no reason to stop for that. */
const OF_STATEMENT: readonly ErrorCode[] = ['statement_failed', 'lock_not_had', 'txn_conflict']
/** A table, a column or a type that the migration itself makes. */
const NOT_THERE: readonly (string | undefined)[] = ['42P01', '42703', '42704']

function leftOver({ pages, seen }: Trial): string | undefined {
  if (seen >= pages) return undefined
  return `those of ${seen} of its ${pages} pages were, within ${TRIAL_MS / 1_000} s; the backfill tries the others`
}

function inTheWay(
  { id, table, key, tries = [] }: Filling,
  found: readonly BadRow[],
  leavesOut: boolean,
): BellowsError {
  const columns = [...new Set(tries.map(({ called }) => `"${called}"`))].join(' or ')
  const samples = found.map((one) => sampleText(one, key))
  return new BellowsError(
    'rows_in_the_way',
    `Rows of "${table.name}" cannot be given their value of ${columns}; nothing was changed. Such as ${samples.join('; ')}.`,
    {
      step: id,
      hint: `Have up give a value for such rows, or correct them, and run the same command again.${leavesOut ? '' : ' Rows for which it fails can be left for later: --on-bad-row quarantine.'}`,
      facts: {
        rows_done: 0,
        rows: found.map(({ row }) => row),
        because: found.map(({ because }) => because),
      },
    },
  )
}

/** Such as `id=7 (name abc)`. In a table without a key a row is known by its place. */
function sampleText({ row, because }: BadRow, key: readonly string[]): string {
  const names = key.length === 0 ? ['ctid'] : key
  const others = Object.entries(row).filter(([name]) => !names.includes(name))
  const values = others.map(([name, value]) => `${name} ${String(value)}`).join(', ')
  return `${names.map((name) => `${name}=${String(row[name])}`).join(', ')}${values === '' ? '' : ` (${values})`}: ${because}`
}
