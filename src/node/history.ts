import { isDeepStrictEqual } from 'node:util'
import {
  type Change,
  type Changing,
  cutToBytes,
  IDENTIFIER_BYTES_MAX,
  type Looking,
  type Migration,
  type Phase,
  type QualifiedName,
  type RenameColumn,
  type Run,
  type Version,
} from '../index.ts'
import { isRefusal, partlyDone } from './codes.ts'

/** The newest record of a change whose effect still stands: nothing that came later undid it. */
export function standing(
  versions: readonly Version[],
  table: QualifiedName,
  change: Change,
): Version | undefined {
  const ofTable = versions.filter(
    ({ facts }) => facts.table.namespace === table.namespace && facts.table.name === table.name,
  )
  const record = ofTable.findLast((version) => isSame(version.facts.change, change))
  const undone = ofTable.some(
    (later) => record !== undefined && later.version > record.version && undoes(later.facts.change, change),
  )
  return undone ? undefined : record
}

function isSame(a: Change, b: Change): boolean {
  return isDeepStrictEqual(a, b)
}

/** Renaming back is a change of its own, after which the first one can be made again. */
function undoes(later: Change, change: Change): boolean {
  switch (change.kind) {
    case 'added':
      return later.kind === 'removed' && later.column === change.column
    case 'removed':
      return later.kind === 'added' && later.column === change.column
    case 'copied':
      return (
        (later.kind === 'removed' && later.column === change.to) ||
        (later.kind === 'added' && later.column === change.from)
      )
    default:
      return false
  }
}

/** A rename that was begun and is neither over nor taken back. */
export interface OpenRename {
  readonly run: Run
  readonly op: RenameColumn
  /** Does it take an earlier rename back? Then its new column is the old one of that. */
  readonly isReversal: boolean
}

export async function openRenames(database: Looking): Promise<readonly OpenRename[]> {
  return (await database.runs('open')).flatMap((run) => {
    const { operations, reverses } = run.plan.migration
    return operations.flatMap((op) =>
      op.kind === 'rename_column' ? [{ run, op, isReversal: reverses !== undefined }] : [],
    )
  })
}

/** The newest rename of one column to another that went to its end. */
export async function completedRename(
  database: Looking,
  { namespace, table, from, to }: Pick<RenameColumn, 'namespace' | 'table' | 'from' | 'to'>,
): Promise<Run | undefined> {
  return (await database.runs()).findLast(
    ({ state, plan }) =>
      state === 'completed' &&
      plan.migration.operations.some(
        (op) =>
          op.kind === 'rename_column' &&
          isOn(op, { namespace, name: table }) &&
          op.from === from &&
          op.to === to,
      ),
  )
}

/** The rows that the backfill of a run has set so far. */
export async function rowsSet(database: Looking, { plan }: Run): Promise<number> {
  const step = plan.steps.find(({ kind }) => kind === 'backfill')
  return step === undefined ? 0 : ((await database.checkpoint(step.id))?.rowsDone ?? 0)
}

export function isOn(op: RenameColumn, table: QualifiedName): boolean {
  return op.namespace === table.namespace && op.table === table.name
}

/** A migration whose run gets its name when it is begun; `does` is what the name says. */
export type Purpose = Omit<Migration, 'name'> & { readonly does: string }

/** Takes up the run that was begun for this purpose and did not get to its end, or begins one. */
export async function advanced(
  database: Changing,
  { does, ...purpose }: Purpose,
  until: Phase,
  how: { implied?: true } = {},
): Promise<Run> {
  const begun = (await database.runs('open')).find(({ plan: { migration } }) => {
    const { name: _, ...same } = migration
    return isDeepStrictEqual(withoutReasons(same), withoutReasons(purpose))
  })
  const migration = begun?.plan.migration ?? { ...purpose, name: await runName(database, does) }
  try {
    return await database.advance(migration, until, how)
  } catch (error) {
    if (!isRefusal(error)) throw error
    throw (await isIdle(database, migration.name)) ? error : partlyDone(error)
  }
}

/** In whatever words somebody says why all may wait: it is done once. */
function withoutReasons({ operations, ...purpose }: Omit<Purpose, 'does'>): object {
  return { ...purpose, operations: operations.map((op) => ({ ...op, unsafe: undefined })) }
}

/** A run that was stopped before it did anything is taken back, so that it is not in the way of others. */
async function isIdle(database: Changing, name: string): Promise<boolean> {
  const run = await database.run(name)
  if (run === undefined) return true
  if (run.done.size > 0) return false
  await database.rollback(run.id)
  return true
}

/** A name for a new run: the number of the version to come, and what it does. Never one that was used before. */
async function runName(database: Looking, does: string): Promise<string> {
  const versions = await database.versions()
  const next = String((versions.at(-1)?.version ?? 0) + 1).padStart(4, '0')
  for (let count = 1; ; count += 1) {
    const end = count === 1 ? '' : `_${count}`
    const name = `${cutToBytes(`${next}_${does}`, IDENTIFIER_BYTES_MAX - end.length)}${end}`
    if ((await database.runs({ migration: name })).length === 0) return name
  }
}

/** The versions that a run has made, ascending. */
export async function versionsOf(database: Changing, run: Run): Promise<readonly Version[]> {
  return (await database.versions()).filter((version) => version.run === run.id)
}
