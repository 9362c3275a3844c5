import {
  type BrakeState,
  type Looking,
  type Progress,
  type Quarantine,
  type Run,
  type Version,
  versionName,
} from '../index.ts'
import type { Handler } from './handler.ts'
import { completedRename, type OpenRename, openRenames } from './history.ts'

/** What was applied, what is known to follow, and how far the copy has come that is under way. */
export const status: Handler = async (node) => {
  const { bellows } = node
  const versions = await bellows.versions()
  return {
    type: 'migration_status',
    migrations: [...versions.map(applied), ...(await pending(bellows, versions))],
    schemas: shapes(versions),
    ...(await underWay(bellows)),
  }
}

function applied({ version, name, facts }: Version) {
  return { version, name, applied: true, ...(facts.implied === true ? { implied: true } : {}) }
}

/** Steps of open renames that are still to come, numbered as they would be if they came now. */
async function pending(bellows: Looking, versions: readonly Version[]) {
  const known = new Set(versions.map(({ run, name }) => `${run} ${name}`))
  const runs = await Promise.all((await openRenames(bellows)).map((open) => toFinish(bellows, open)))
  const names = runs
    .flatMap((run) =>
      (run?.plan.steps ?? []).flatMap(({ changes }) =>
        changes === undefined ? [] : [{ run: run?.id, name: versionName(changes) }],
      ),
    )
    .filter(({ run, name }) => !known.has(`${run} ${name}`))
  const last = versions.at(-1)?.version ?? 0
  return names.map(({ name }, at) => ({ version: last + at + 1, name, applied: false }))
}

/** Of a reversal the rename that it takes back: what of that is withdrawn is pending again. */
async function toFinish(bellows: Looking, { run, op, isReversal }: OpenRename): Promise<Run | undefined> {
  return isReversal ? completedRename(bellows, { ...op, from: op.to, to: op.from }) : run
}

/** Of each table that is there the shape after its newest version. */
function shapes(versions: readonly Version[]): Record<string, string> {
  const newest = new Map(
    versions.map(({ facts: { table }, shape }) => [`${table.namespace}.${table.name}`, shape]),
  )
  return Object.fromEntries([...newest].flatMap(([name, shape]) => (shape === null ? [] : [[name, shape]])))
}

interface CopyProgress {
  readonly rows_done: number
  readonly rows_total: number
  readonly state: 'copying' | 'comparing' | 'interrupted'
  /** Why it stands still. */
  readonly held?: readonly string[]
  /** Rows that it could not fill and went on without, and some of them. */
  readonly quarantined?: Quarantine
}

/** How fast it goes and what it takes: apart from `progress`, whose fields the protocol gives. */
interface Pace {
  readonly rows_per_second: number
  readonly seconds_left?: number
  readonly log_bytes?: number
  /** How many times as large the table's file is as when the copy began. */
  readonly growth?: number
  readonly workers?: number
  /** What holds it back. */
  readonly slowed?: readonly string[]
}

interface UnderWay {
  /** What holds a run back that works through no table now, such as one that is to build an index. */
  readonly held?: readonly string[]
  readonly progress?: CopyProgress
  readonly pace?: Pace
  readonly interrupted?: string
}

/** A copy, or the comparison of all rows, is under way while a driver is at work; a copy is interrupted when none is. */
async function underWay(bellows: Looking): Promise<UnderWay> {
  const open = await bellows.runs('open')
  const run = open.find(({ state }) => state === 'backfilling' || state === 'verifying')
  const step = run?.plan.steps.find(({ id, kind }) => isWork(kind) && !run.done.has(id))
  if (run === undefined || step === undefined) return await heldOf(bellows, run ?? open.find(isBegun))
  const checkpoint = await bellows.checkpoint(step.id)
  const isDriven = (await bellows.driver()) !== undefined
  const isCopy = step.kind === 'backfill'
  // A copy that was taken back after it was done has not been begun again yet.
  if (!isDriven && (!isCopy || checkpoint?.state === null)) return {}
  const figures = { rows_done: checkpoint?.rowsDone ?? 0, rows_total: checkpoint?.rowsTotal ?? 0 }
  const brake = await bellows.brake(run.id)
  const found = await bellows.quarantine(run.id)
  const quarantined = found.rows === 0 ? {} : { quarantined: found }
  const progress = { ...figures, ...heldBy(brake), ...quarantined }
  if (!isDriven)
    return { progress: { ...progress, state: 'interrupted' }, interrupted: run.plan.migration.name }
  const going = await bellows.progress(run.id)
  return {
    progress: { ...progress, state: isCopy ? 'copying' : 'comparing' },
    ...(going === undefined ? {} : { pace: paceOf(going, brake) }),
  }
}

async function heldOf(bellows: Looking, run: Run | undefined): Promise<Pick<UnderWay, 'held'>> {
  return heldBy(run === undefined ? undefined : await bellows.brake(run.id))
}

function heldBy(brake: BrakeState | undefined): Pick<UnderWay, 'held'> {
  return brake?.pace === 'pause' ? { held: brake.because } : {}
}

const isBegun = ({ state }: Run) => state === 'planned' || state === 'expanding'

const isWork = (kind: string) => kind === 'backfill' || kind === 'verify'

function paceOf(
  { rowsPerSecond, secondsLeft, logBytes, growth, workers }: Progress,
  brake: BrakeState | undefined,
): Pace {
  return {
    rows_per_second: rowsPerSecond,
    ...(secondsLeft === undefined ? {} : { seconds_left: secondsLeft }),
    ...(logBytes === undefined ? {} : { log_bytes: logBytes }),
    ...(growth === undefined ? {} : { growth }),
    ...(workers === undefined ? {} : { workers }),
    ...(brake?.pace === 'slower' ? { slowed: brake.because } : {}),
  }
}
