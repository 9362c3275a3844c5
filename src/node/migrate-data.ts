import {
  BellowsError,
  type Changing,
  type Operation,
  type QualifiedName,
  type RenameColumn,
  type Version,
} from '../index.ts'
import { isRefusal, partlyDone } from './codes.ts'
import { expanded } from './expand.ts'
import {
  type Body,
  columnName,
  malformed,
  namespaceName,
  optionalFlag,
  optionalTableName,
  optionalText,
  unsupported,
} from './fields.ts'
import { type Answer, changing, type Handler } from './handler.ts'
import {
  advanced,
  completedRename,
  isOn,
  type OpenRename,
  openRenames,
  rowsSet,
  standing,
} from './history.ts'

/** A copy of one column into another, as the message asks for it. */
export interface Copy {
  readonly from: string
  readonly to: string
  readonly transform: NonNullable<RenameColumn['transform']>
  readonly overlap: RenameColumn['overlap']
  readonly strict: boolean
  /** Why all may wait for longer than usual. */
  readonly unsafe: string | undefined
}

const TRANSFORMS: readonly Copy['transform'][] = ['copy', 'trim', 'upper', 'lower']

/** `{"type":"migrate","phase":"migrate_data","from":…,"to":…}`: keeps the two columns in step and fills the new one. */
export const migrateData: Handler = (node, body) => {
  const copy = wantedCopy(body, node.rules.strict)
  const named = optionalTableName(body)
  const namespace = namespaceName(body)
  return changing(node, body, async (database) =>
    copied(database, named ?? (await tableOf(database, namespace, copy)), copy, {}),
  )
}

function wantedCopy(body: Body, strictNode: boolean): Copy {
  const [from, to] = [columnName(body, 'from'), columnName(body, 'to')]
  if (from === to) throw malformed(`"from" and "to" are both "${from}"`)
  const transform = optionalText(body, 'transform') ?? 'copy'
  const known = TRANSFORMS.find((one) => one === transform)
  if (known === undefined) throw unsupported('transform', transform, TRANSFORMS)
  const overlap = optionalText(body, 'overlap')
  if (overlap !== undefined && overlap !== 'forward_only')
    throw unsupported('overlap', overlap, ['forward_only'])
  const strict = optionalFlag(body, 'strict') ?? strictNode
  return { from, to, transform: known, overlap, strict, unsafe: optionalText(body, 'unsafe') }
}

/**
 * The table of the open change, or of the recorded one while it stands, or else the only one that has the column. In this
 * order: the same message again must not begin with another table because that has a column of the name, too.
 */
async function tableOf(database: Changing, namespace: string, { from, to }: Copy): Promise<QualifiedName> {
  const open = (await openRenames(database)).find(
    ({ op }) =>
      op.namespace === namespace &&
      ((op.from === from && op.to === to) || (op.from === to && op.to === from)),
  )
  if (open !== undefined) return { namespace, name: open.op.table }
  const versions = await database.versions()
  const recorded = versions.findLast(
    (version) =>
      version.facts.table.namespace === namespace &&
      standing(versions, version.facts.table, { kind: 'copied', from, to }) === version,
  )
  if (recorded !== undefined) return recorded.facts.table
  const tables = await database.tablesWith(namespace, from)
  if (tables.length > 1) {
    throw new BellowsError(
      'table_ambiguous',
      `Several tables have a column "${from}": ${tables.join(', ')}. Say which with "table".`,
    )
  }
  const [only] = tables
  if (only !== undefined) return { namespace, name: only }
  throw new BellowsError('column_not_found', `No table in "${namespace}" has a column "${from}".`)
}

export async function copied(
  database: Changing,
  table: QualifiedName,
  copy: Copy,
  how: { implied?: true },
): Promise<Answer> {
  const change = { kind: 'copied', from: copy.from, to: copy.to } as const
  const record = standing(await database.versions(), table, change)
  const columns = (await database.table(table))?.columns ?? []
  const has = (column: string) => columns.some(({ name }) => name === column)
  if (record !== undefined && has(copy.to)) {
    const [done] = await database.runs({ id: record.run })
    for (const op of done?.plan.migration.operations ?? []) refuseAnother(op, copy)
    // A contract that brings the copy along goes all the way itself.
    if (how.implied !== true) await madeReady(database, record.run)
    return { ...answer(record), already_applied: true }
  }
  const open = (await openRenames(database)).find(
    ({ op }) => isOn(op, table) && [op.from, op.to].includes(copy.from) && [op.from, op.to].includes(copy.to),
  )
  if (open !== undefined) refuseAnother(open.op, copy)
  if (open?.isReversal === true) {
    await standAgain(database, table, copy, open)
  } else if (open !== undefined && open.op.from === copy.from) {
    await filled(database, open.run.id, how)
  } else {
    const run = await started(database, table, copy, columns)
    await filled(database, run, how)
  }
  return answer(standing(await database.versions(), table, change) as Version)
}

/** A copy that changed the values in another way is not the one that is asked for. */
function refuseAnother(op: Operation, { from, to, transform }: Copy): void {
  if (op.kind !== 'rename_column' || op.from !== from || op.to !== to) return
  const { table, up, transform: named = 'copy' } = op
  const known = up ?? named
  if (known === transform) return
  throw new BellowsError(
    'phase_order',
    `${table}.${to} is filled from ${from} by "${known}", not by "${transform}"`,
  )
}

/** Begins the rename that adopts the new column, which is added first where it is missing. */
async function started(
  database: Changing,
  table: QualifiedName,
  copy: Copy,
  columns: readonly { readonly name: string; readonly type: string }[],
): Promise<number> {
  const from = columns.find(({ name }) => name === copy.from)
  if (from === undefined)
    throw new BellowsError('column_not_found', `The table "${table.name}" has no column "${copy.from}".`)
  if (!columns.some(({ name }) => name === copy.to)) {
    if (copy.strict)
      throw new BellowsError('phase_order', `${table.name}.${copy.to} does not exist: expand first`)
    await refuseImpossible(database, table, copy)
    const { to: column, unsafe } = copy
    await expanded(database, { table, column, type: from.type, unsafe }, { implied: true })
  }
  const purpose = { does: `rename_${copy.from}_to_${copy.to}`, operations: [renaming(table, copy)] }
  return (await advanced(database, purpose, 'expand')).id
}

/** Before the implied expand has changed anything: would the rename be refused anyway? */
async function refuseImpossible(database: Changing, table: QualifiedName, copy: Copy): Promise<void> {
  await database.plan({ name: 'planned', operations: [renaming(table, copy)] })
  const other = (await database.runs('open')).find(({ plan: { migration } }) =>
    migration.operations.some(
      (op) =>
        'table' in op &&
        op.namespace === table.namespace &&
        op.table === table.name &&
        // An expand of this very column that did not get to its end is the one that is implied here.
        !(op.kind === 'add_column' && op.column === copy.to),
    ),
  )
  if (other === undefined) return
  const { name } = other.plan.migration
  throw new BellowsError(
    'run_conflict',
    `The migration "${name}" is at work on "${table.name}" (${other.state}).`,
    {
      hint: 'Finish it or take it back first.',
    },
  )
}

function renaming(table: QualifiedName, { from, to, transform, overlap, unsafe }: Copy): RenameColumn {
  return {
    kind: 'rename_column',
    namespace: table.namespace,
    table: table.name,
    from,
    to,
    ...(transform === 'copy' ? {} : { transform }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(unsafe === undefined ? {} : { unsafe }),
  }
}

async function filled(database: Changing, run: number, how: { implied?: true }): Promise<void> {
  try {
    await database.resume(run, 'backfill', how)
  } catch (error) {
    const [begun] = isRefusal(error) ? await database.runs({ id: run }) : []
    const rowsDone = begun === undefined ? 0 : await rowsSet(database, begun)
    // Batches that are done stay done, whatever it is that stopped the next one.
    throw isRefusal(error) && rowsDone > 0 ? partlyDone(error, { rows_done: rowsDone }) : error
  }
  await madeReady(database, run)
}

/**
 * Goes on behind the copy to compare all rows and to carry what hangs on the old column, so that the new one is ready for new
 * instances. When that does not succeed now, the next message that asks for it or the contract does it, and the contract says why it cannot.
 */
async function madeReady(database: Changing, run: number): Promise<void> {
  await database.resume(run, 'verify').catch((error: unknown) => {
    if (!isRefusal(error)) throw error
  })
}

/**
 * The copy that was taken back: its rows are still set, and count once. It is the version of the run that set them, because
 * the reversal gives back what it took when it is itself taken back.
 */
async function standAgain(
  database: Changing,
  table: QualifiedName,
  { from, to }: Copy,
  { op: reversing, run: reversal }: OpenRename,
): Promise<void> {
  if (reversing.from === from) {
    throw new BellowsError(
      'phase_order',
      `A rollback brings ${table.name}.${to} back from ${from}; roll back further, or contract ${to} again.`,
    )
  }
  const first = await completedRename(database, { namespace: table.namespace, table: table.name, from, to })
  const rows = first === undefined ? 0 : await rowsSet(database, first)
  await database.stand(first?.id ?? reversal.id, { kind: 'copied', from, to }, rows)
}

function answer({ version, facts }: Version): Answer {
  return { type: 'data_migrated', version, rows_migrated: facts.rows ?? 0 }
}
