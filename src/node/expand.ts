import { BellowsError, type Changing, type QualifiedName, type Version } from '../index.ts'
import { type Body, columnName, malformed, optionalFlag, optionalText, tableName } from './fields.ts'
import { type Answer, changing, type Handler } from './handler.ts'
import { advanced, standing, versionsOf } from './history.ts'

interface Wanted {
  readonly table: QualifiedName
  readonly column: string
  /** Text, when nobody says otherwise. */
  readonly type: string | undefined
  /** Why all may wait for longer than usual. */
  readonly unsafe: string | undefined
}

/** `{"type":"migrate","phase":"expand","table":…,"add_column":…}`: adds a nullable column, or says that it is there. */
export const expand: Handler = (node, body) => {
  const wanted = wantedColumn(body)
  return changing(node, body, async (database) => {
    const done = await recorded(database, wanted)
    return done === undefined ? expanded(database, wanted, {}) : { ...answer(done), already_applied: true }
  })
}

function wantedColumn(body: Body): Wanted {
  const wanted = {
    table: tableName(body),
    column: columnName(body, 'add_column'),
    type: optionalText(body, 'column_type'),
    unsafe: optionalText(body, 'unsafe'),
  }
  if (optionalFlag(body, 'nullable') === false) throw malformed('expand adds nullable columns only')
  return wanted
}

export async function expanded(
  database: Changing,
  { table, column, type = 'text', unsafe }: Wanted,
  how: { implied?: true },
): Promise<Answer> {
  const operation = {
    kind: 'add_column',
    namespace: table.namespace,
    table: table.name,
    column,
    type,
    nullable: true,
    ...(unsafe === undefined ? {} : { unsafe }),
  } as const
  const purpose = { does: `add_${column}_column`, operations: [operation] }
  const run = await advanced(database, purpose, 'purge', how)
  return answer((await versionsOf(database, run)).at(-1) as Version)
}

/** The version that added the column, if the column is there; one of another type is not the one that is asked for. */
async function recorded(database: Changing, { table, column, type }: Wanted): Promise<Version | undefined> {
  const record = standing(await database.versions(), table, { kind: 'added', column })
  const found = (await database.table(table))?.columns.find(({ name }) => name === column)
  if (record === undefined || found === undefined) return undefined
  const [run] = await database.runs({ id: record.run })
  const asWritten = run?.plan.migration.operations.flatMap((op) =>
    op.kind === 'add_column' && op.column === column ? [op.type] : [],
  )
  if (type === undefined || type === found.type || asWritten?.includes(type) === true) return record
  throw new BellowsError(
    'column_exists',
    `${table.name}.${column} was added by version ${record.version} as ${found.type}, not as ${type}.`,
  )
}

function answer({ version, name, shape, facts }: Version): Answer {
  return {
    type: 'migration_applied',
    version,
    name,
    schema: shape,
    backward_compatible: facts.backwardCompatible === true,
  }
}
