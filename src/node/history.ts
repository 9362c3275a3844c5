import type { Change, Changing, Looking, QualifiedName, RenameColumn, Run, Version } from '../index.ts'

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
  if (a.kind === 'copied' || b.kind === 'copied') {
    return a.kind === 'copied' && b.kind === 'copied' && a.from === b.from && a.to === b.to
  }
  return a.kind === b.kind && a.column === b.column
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
  const open = (await database.runs()).filter(({ state }) => state !== 'completed' && state !== 'rolled_back')
  return open.flatMap((run) => {
    const { operations, reverses } = run.plan.migration
    return operations.flatMap((op) =>
      op.kind === 'rename_column' ? [{ run, op, isReversal: reverses !== undefined }] : [],
    )
  })
}

export function isOn(op: RenameColumn, table: QualifiedName): boolean {
  return op.namespace === table.namespace && op.table === table.name
}

/** A name for a new run: the number of the version to come, and what it does. Never one that was used before. */
export async function runName(database: Looking, does: string): Promise<string> {
  const versions = await database.versions()
  const next = String((versions.at(-1)?.version ?? 0) + 1).padStart(4, '0')
  const used = new Set((await database.runs()).filter(isSpent).map((run) => run.plan.migration.name))
  const base = `${next}_${does}`
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? base : `${base}_${count}`
    if (!used.has(name)) return name
  }
}

/** A run that was only begun is taken up again under its name; one that got further has the name for itself. */
function isSpent(run: Run): boolean {
  return run.state !== 'planned' && run.state !== 'expanding'
}

/** The versions that a run has made, ascending. */
export async function versionsOf(database: Changing, run: Run): Promise<readonly Version[]> {
  return (await database.versions()).filter((version) => version.run === run.id)
}
