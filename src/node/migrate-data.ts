import {
  BellowsError,
  type Changing,
  type Migration,
  type QualifiedName,
  type RenameColumn,
  type Version,
} from '../index.ts'
import { expanded } from './expand.ts'
import { type Body, malformed, optionalFlag, optionalText, tableName, text, unsupported } from './fields.ts'
import { type Answer, changing, type Handler } from './handler.ts'
import { isOn, openRenames, runName, standing } from './history.ts'

/** A copy of one column into another, as the message asks for it. */
export interface Copy {
  readonly from: string
  readonly to: string
  readonly transform: NonNullable<RenameColumn['transform']>
  readonly overlap: RenameColumn['overlap']
  readonly strict: boolean
}

const TRANSFORMS: readonly Copy['transform'][] = ['copy', 'trim', 'upper', 'lower']

/** `{"type":"migrate","phase":"migrate_data","from":…,"to":…}`: keeps the two columns in step and fills the new one. */
export const migrateData: Handler = (node, body) => {
  const copy = wantedCopy(body, node.rules.strict)
  const named = optionalText(body, 'table')
  const namespace = optionalText(body, 'namespace') ?? 'public'
  return changing(node, body, async (database) => {
    const table = named === undefined ? await tableOf(database, namespace, copy) : tableName(body, named)
    return copied(database, table, copy, {})
  })
}

function wantedCopy(body: Body, strictNode: boolean): Copy {
  const [from, to] = [text(body, 'from'), text(body, 'to')]
  if (from === to) throw malformed(`"from" and "to" are both "${from}"`)
  const transform = optionalText(body, 'transform') ?? 'copy'
  const known = TRANSFORMS.find((one) => one === transform)
  if (known === undefined) throw unsupported('transform', transform, TRANSFORMS)
  const overlap = optionalText(body, 'overlap')
  if (overlap !== undefined && overlap !== 'forward_only')
    throw unsupported('overlap', overlap, ['forward_only'])
  return { from, to, transform: known, overlap, strict: optionalFlag(body, 'strict') ?? strictNode }
}

/** The table of the open or the recorded change, or else the only one that has the column. */
async function tableOf(database: Changing, namespace: string, { from, to }: Copy): Promise<QualifiedName> {
  const open = (await openRenames(database)).find(
    ({ op }) =>
      op.namespace === namespace &&
      ((op.from === from && op.to === to) || (op.from === to && op.to === from)),
  )
  if (open !== undefined) return { namespace, name: open.op.table }
  const recorded = (await database.versions()).findLast(
    ({ facts: { change, table } }) =>
      change.kind === 'copied' && change.from === from && change.to === to && table.namespace === namespace,
  )
  const tables = await database.tablesWith(namespace, from)
  if (tables.length > 1) {
    throw new BellowsError(
      'table_ambiguous',
      `Several tables have a column "${from}": ${tables.join(', ')}. Say which with "table".`,
    )
  }
  const [only] = tables
  if (only !== undefined) return { namespace, name: only }
  if (recorded !== undefined) return recorded.facts.table
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
  if (record !== undefined && has(copy.to)) return { ...answer(record), already_applied: true }

  const open = (await openRenames(database)).find(
    ({ op }) => isOn(op, table) && [op.from, op.to].includes(copy.from) && [op.from, op.to].includes(copy.to),
  )
  if (open?.isReversal === true) {
    await database.stand(open.run.id, change, await rowsBefore(database, table, copy))
  } else if (open !== undefined && open.op.from === copy.from) {
    await filled(database, open.run.id, how)
  } else {
    const run = await started(database, table, copy, columns)
    await filled(database, run, how)
  }
  return answer(standing(await database.versions(), table, change) as Version)
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
    await expanded(database, { table, column: copy.to, type: from.type }, { implied: true })
  }
  const migration = renameMigration(await runName(database, `rename_${copy.from}_to_${copy.to}`), table, copy)
  return (await database.advance(migration, 'expand')).id
}

/** Before the implied expand has changed anything: would the rename be refused anyway? */
async function refuseImpossible(database: Changing, table: QualifiedName, copy: Copy): Promise<void> {
  await database.plan(renameMigration('planned', table, copy))
}

function renameMigration(
  name: string,
  table: QualifiedName,
  { from, to, transform, overlap }: Copy,
): Migration {
  return {
    name,
    operations: [
      {
        kind: 'rename_column',
        namespace: table.namespace,
        table: table.name,
        from,
        to,
        ...(transform === 'copy' ? {} : { transform }),
        ...(overlap === undefined ? {} : { overlap }),
      },
    ],
  }
}

/**
 * Fills the column, and then goes on to compare all rows and to carry what hangs on the old column, so that the new one is
 * ready for new instances. When that does not succeed now, contract does it, and says why it cannot.
 */
async function filled(database: Changing, run: number, how: { implied?: true }): Promise<void> {
  await database.resume(run, 'backfill', how)
  await database.resume(run, 'verify').catch((error: unknown) => {
    if (!(error instanceof BellowsError) || error.code === 'connection_lost') throw error
  })
}

/** What the copy that was taken back had set: the rows are still set, and count once. */
async function rowsBefore(database: Changing, table: QualifiedName, copy: Copy): Promise<number> {
  const before = (await database.runs()).findLast((run) =>
    run.plan.migration.operations.some(
      (op) => op.kind === 'rename_column' && isOn(op, table) && op.from === copy.from && op.to === copy.to,
    ),
  )
  const step = before?.plan.steps.find(({ kind }) => kind === 'backfill')
  return step === undefined ? 0 : ((await database.checkpoint(step.id))?.rowsDone ?? 0)
}

function answer({ version, facts }: Version): Answer {
  return { type: 'data_migrated', version, rows_migrated: facts.rows ?? 0 }
}
