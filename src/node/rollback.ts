import { BellowsError, type Changing, type QualifiedName, type Version } from '../index.ts'
import { isRefusal, partlyDone } from './codes.ts'
import { hasColumn } from './contract.ts'
import { optionalNumber } from './fields.ts'
import { changing, type Handler } from './handler.ts'
import { advanced, isOn, openRenames } from './history.ts'

/** Takes back the newest version, or all down to and including a given one, newest first. */
export const rollback: Handler = (node, body) => {
  const least = optionalNumber(body, 'version', 1)
  const began = performance.now()
  return changing(node, body, async (database) => {
    const versions = await database.versions()
    const newest = versions.at(-1)
    if (newest === undefined)
      throw new BellowsError('not_reversible', 'Nothing is applied, so there is nothing to roll back.')
    if (least === undefined) {
      await takenBack(database, newest)
      return { type: 'migration_rolled_back', version: newest.version, name: newest.name }
    }
    if (!versions.some(({ version }) => version === least)) {
      throw new BellowsError('run_not_found', `Version ${least} is not applied.`)
    }
    for (const version of versions.filter((one) => one.version >= least).toReversed())
      await takenBack(database, version)
    return {
      type: 'rollback_complete',
      rolled_back_from: newest.version,
      rolled_back_to: least - 1,
      duration_seconds: Math.round(performance.now() - began) / 1000,
    }
  })
}

async function takenBack(database: Changing, version: Version): Promise<void> {
  switch (version.facts.change.kind) {
    case 'copied':
      await database.withdraw(version.run, version)
      break
    case 'removed':
      await bringBack(database, version, version.facts.change.column)
      break
    case 'added':
      await takeAway(database, version, version.facts.change.column)
      break
    case 'changed':
      throw new BellowsError(
        'not_reversible',
        `The old values of ${version.facts.table.name}.${version.facts.change.column} were dropped; nothing holds them any more.`,
      )
    case 'reshaped':
      throw new BellowsError(
        'not_reversible',
        `The old columns of version ${version.version} (${version.name}) were dropped; nothing holds them any more.`,
      )
    default:
      throw new BellowsError(
        'not_reversible',
        `Version ${version.version} (${version.name}) is of a whole table, which is not taken back from here.`,
        { hint: 'Take its migration back: bellows rollback <migration>' },
      )
  }
}

/** A dropped column has no way back; a new run in the opposite direction makes it again, from the one that took its place. */
async function bringBack(database: Changing, version: Version, column: string): Promise<void> {
  const { table } = version.facts
  const [run] = await database.runs({ id: version.run })
  const op = run?.plan.migration.operations.find(
    (one) => one.kind === 'rename_column' && [one.from, one.to].includes(column),
  )
  if (op?.kind !== 'rename_column') {
    throw new BellowsError(
      'not_reversible',
      `The values of ${table.name}.${column} were dropped; nothing holds them any more.`,
    )
  }
  const survivor = op.from === column ? op.to : op.from
  const earlier = (await database.versions()).filter(
    (one) => isMadeFor(one, table, survivor) && one.version < version.version,
  )
  await advanced(
    database,
    {
      does: `rename_${survivor}_to_${column}`,
      operations: [
        { kind: 'rename_column', namespace: table.namespace, table: table.name, from: survivor, to: column },
      ],
      reverses: { backfill: [reference(version)], purge: earlier.map(reference).toReversed() },
    },
    'verify',
  )
}

function isMadeFor({ facts }: Version, table: QualifiedName, column: string): boolean {
  const { change } = facts
  const ofTable = facts.table.namespace === table.namespace && facts.table.name === table.name
  return (
    ofTable &&
    (change.kind === 'copied' ? change.to === column : change.kind === 'added' && change.column === column)
  )
}

function reference({ version, name, facts }: Version) {
  return { version, name, change: facts.change }
}

/** Drops an added column, only when it holds nothing that is not held elsewhere, and nobody uses it. */
async function takeAway(database: Changing, version: Version, column: string): Promise<void> {
  const { table } = version.facts
  const open = (await openRenames(database)).filter(({ op }) => isOn(op, table))
  const reversal = open.find(({ op, isReversal }) => isReversal && op.from === column)
  if (reversal !== undefined) {
    await database.resume(reversal.run.id, 'purge')
    return
  }
  await refuseLoss(database, table, column)
  // Behind a gate that is closed the drop would stay begun; and without its dual write the column would fail those who use it.
  if (await hasColumn(database, table, column)) await database.refuseWhileNeeded(table, column)
  const filling = open.find(({ op }) => op.to === column)
  const purpose = {
    does: `drop_${column}`,
    operations: [{ kind: 'drop_column', namespace: table.namespace, table: table.name, column } as const],
    reverses: { purge: [reference(version)] },
  }
  if (filling === undefined) {
    await advanced(database, purpose, 'purge')
    return
  }
  try {
    await database.rollback(filling.run.id)
    await advanced(database, purpose, 'purge')
  } catch (error) {
    throw isRefusal(error) ? partlyDone(error) : error
  }
}

/** Of a column that is hidden already a drop was begun before, which looked then. */
async function refuseLoss(database: Changing, table: QualifiedName, column: string): Promise<void> {
  const columns = (await database.table(table))?.columns.map(({ name }) => name) ?? []
  if (!columns.includes(column)) return
  // Also one that was taken back: whoever was stopped between that and the drop must be able to go on.
  const filled = (await database.runs()).findLast(({ plan: { migration } }) =>
    migration.operations.some(
      (op) => op.kind === 'rename_column' && isOn(op, table) && op.to === column && columns.includes(op.from),
    ),
  )
  if (!(await database.holdsMore(table, column, filled?.id))) return
  throw new BellowsError(
    'not_reversible',
    `${table.name}.${column} holds values that no other column holds; dropping it would lose them.`,
  )
}
