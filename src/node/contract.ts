import { BellowsError, type Changing, type QualifiedName, type Version } from '../index.ts'
import { columnName, optionalColumnName, optionalFlag, optionalText, tableName } from './fields.ts'
import { type Answer, changing, type Handler } from './handler.ts'
import { isOn, type OpenRename, openRenames, rowsSet, standing } from './history.ts'
import { type Copy, copied } from './migrate-data.ts'

/** `{"type":"migrate","phase":"contract","table":…,"remove_column":…}`: removes what its replacement has made superfluous. */
export const contract: Handler = (node, body) => {
  const table = tableName(body)
  const column = columnName(body, 'remove_column')
  const replacement = optionalColumnName(body, 'to')
  const unsafe = optionalText(body, 'unsafe')
  const bringsAlong = optionalFlag(body, 'with_prerequisites') ?? node.rules.impliesAll
  return changing(node, body, async (database) => {
    const done = await recorded(database, table, column)
    if (done !== undefined) {
      if (replacement !== undefined) await refuseAnother(database, done, column, replacement)
      return { ...answer(done), already_applied: true }
    }
    if (bringsAlong && replacement !== undefined)
      await bringAlong(database, { table, from: column, to: replacement, unsafe })
    const open = await openOn(database, table)
    await removed(database, table, column, open)
    return answer((await recorded(database, table, column)) as Version)
  })
}

async function recorded(
  database: Changing,
  table: QualifiedName,
  column: string,
): Promise<Version | undefined> {
  const record = standing(await database.versions(), table, { kind: 'removed', column })
  return (await hasColumn(database, table, column)) ? undefined : record
}

/** That the column is gone is not what was asked for when something else has taken its place. */
async function refuseAnother(
  database: Changing,
  { run, facts }: Version,
  column: string,
  replacement: string,
): Promise<void> {
  const [found] = await database.runs({ id: run })
  const names = found?.plan.migration.operations.flatMap((op) =>
    op.kind === 'rename_column' ? [op.from, op.to] : [],
  )
  if (names === undefined || names.includes(replacement)) return
  const [survivor] = names.filter((name) => name !== column)
  const of = `${facts.table.name}.${column}`
  throw new BellowsError('phase_order', `${of} was replaced by ${survivor}, not by ${replacement}`)
}

export async function hasColumn(database: Changing, table: QualifiedName, column: string): Promise<boolean> {
  return (await database.table(table))?.columns.some(({ name }) => name === column) === true
}

/** What is brought along stays when the column may not go then; so who needs it is asked before. */
async function bringAlong(
  database: Changing,
  { table, ...copy }: Pick<Copy, 'from' | 'to' | 'unsafe'> & { readonly table: QualifiedName },
): Promise<void> {
  if (await hasColumn(database, table, copy.from)) await database.refuseWhileNeeded(table, copy.from)
  await copied(
    database,
    table,
    { ...copy, transform: 'copy', overlap: undefined, strict: false },
    { implied: true },
  )
}

async function openOn(database: Changing, table: QualifiedName): Promise<readonly OpenRename[]> {
  return (await openRenames(database)).filter(({ op }) => isOn(op, table))
}

async function removed(
  database: Changing,
  table: QualifiedName,
  column: string,
  open: readonly OpenRename[],
): Promise<void> {
  // Taking a rename back had made the column again; removing it once more is taking that back in turn.
  const reversal = open.find(({ op, isReversal }) => isReversal && op.to === column)
  const rename = open.find(({ op, isReversal }) => !isReversal && op.from === column)
  const { from, to } =
    reversal === undefined ? { from: column, to: rename?.op.to } : { from: column, to: reversal.op.from }
  const isCopied =
    to !== undefined && standing(await database.versions(), table, { kind: 'copied', from, to }) !== undefined
  if (!isCopied) throw await notCopied(database, table, column, open)
  if (reversal !== undefined) await database.rollback(reversal.run.id)
  else if (rename !== undefined) {
    await refusePointedAt(database, table, column)
    await database.resume(rename.run.id, 'purge')
  }
}

/** Whoever asks over the wire is told of a foreign key that points at the column, also where it could go along. */
async function refusePointedAt(database: Changing, table: QualifiedName, column: string): Promise<void> {
  const refused: unknown = await database.refuseWhileNeeded(table, column).catch((error: unknown) => error)
  if (!(refused instanceof BellowsError) || refused.code !== 'dependents_found') return
  const { dependents } = refused.facts as { readonly dependents?: readonly string[] }
  if (dependents?.some((one) => one.startsWith('foreign key ')) === true) throw refused
}

/** Why there is nothing yet that could take the column's place. */
async function notCopied(
  database: Changing,
  table: QualifiedName,
  column: string,
  open: readonly OpenRename[],
): Promise<BellowsError> {
  const of = `${table.name}.${column}`
  const shape = await database.table(table)
  if (shape === undefined)
    return new BellowsError('table_not_found', `There is no table "${table.name}" in "${table.namespace}".`)
  const found = shape.columns.find(({ name }) => name === column)
  const replaces = open.find(({ op }) => op.to === column)
  if (replaces !== undefined)
    return new BellowsError('phase_order', `${of} is the replacement of ${replaces.op.from}`)
  if (found === undefined)
    return new BellowsError('column_not_found', `The table "${table.name}" has no column "${column}".`)
  if (found.key)
    return new BellowsError(
      'plan_refused',
      `${of} belongs to the primary key, which only change_type and rename_column replace`,
    )
  const unfinished = open.find(({ op }) => op.from === column)
  if (unfinished === undefined)
    return new BellowsError('phase_order', `${of} has not been copied to a replacement`)
  return new BellowsError('phase_order', `${of} has not been copied to ${unfinished.op.to} completely`, {
    hint: 'Send migrate_data again; it goes on after the last committed batch.',
    facts: { rows_done: await rowsSet(database, unfinished.run) },
  })
}

function answer({ version, name, shape }: Version): Answer {
  return { type: 'migration_applied', version, name, schema: shape }
}
