import type { Changing, Migration, Version } from '../index.ts'
import { type Body, malformed, optionalFlag, optionalText, tableName, text } from './fields.ts'
import { type Answer, changing, type Handler } from './handler.ts'
import { runName, standing, versionsOf } from './history.ts'

interface Wanted {
  readonly table: { readonly namespace: string; readonly name: string }
  readonly column: string
  readonly type: string
}

/** `{"type":"migrate","phase":"expand","table":…,"add_column":…}`: adds a nullable column, or says that it is there. */
export const expand: Handler = (node, body) => {
  const wanted = wantedColumn(body)
  return changing(node, body, (database) => expanded(database, wanted, {}))
}

function wantedColumn(body: Body): Wanted {
  const wanted = {
    table: tableName(body, text(body, 'table')),
    column: text(body, 'add_column'),
    type: optionalText(body, 'column_type') ?? 'text',
  }
  if (optionalFlag(body, 'nullable') === false) throw malformed('expand adds nullable columns only')
  return wanted
}

export async function expanded(
  database: Changing,
  { table, column, type }: Wanted,
  how: { implied?: true },
): Promise<Answer> {
  const record = standing(await database.versions(), table, { kind: 'added', column })
  const isThere = (await database.table(table))?.columns.some(({ name }) => name === column) === true
  if (record !== undefined && isThere) return { ...answer(record), already_applied: true }
  const migration: Migration = {
    name: await runName(database, `add_${column}_column`),
    operations: [
      { kind: 'add_column', namespace: table.namespace, table: table.name, column, type, nullable: true },
    ],
  }
  const run = await database.advance(migration, 'purge', how)
  return answer((await versionsOf(database, run)).at(-1) as Version)
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
