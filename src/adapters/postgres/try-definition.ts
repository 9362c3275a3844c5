import { BellowsError } from '../../core/errors.ts'
import { viewColumnsSql } from '../../core/operations/object/view-columns.ts'
import { inSearchPath } from '../../core/plan/search-path.ts'
import { rewriteViewName } from '../../core/rewrite.ts'
import { type DefinitionFacts, type DefinitionNeed, definitionKey } from '../../core/schema/definitions.ts'
import type { Facts } from '../../core/schema/facts.ts'
import { type Sql, sql, trusted } from '../../core/sql.ts'
import { forbidden } from '../../core/statements/lint.ts'
import { readStatements } from '../../core/statements/statement.ts'
import type { Row } from './connection.ts'
import { type Scratch, scratchIfAllowed } from './scratch.ts'
import type { Sessions } from './sessions.ts'

/**
 * Makes each definition in a transaction that is taken back, behind what the migration makes before it. A routine and a type are
 * made under their names, which locks nothing that a statement needs; a view that replaces another one is made beside that.
 */
export async function tryDefinitions(
  sessions: Sessions,
  needs: readonly DefinitionNeed[],
): Promise<Facts['definitions']> {
  const facts: Record<string, Facts['definitions'][string]> = {}
  const sound = needs.filter(({ first, ...own }) => [own, ...first].every(isSound))
  if (sound.length === 0) return facts
  // Whoever may make neither a temporary table nor a namespace may still make the object.
  const scratch = await scratchIfAllowed(sessions)
  if (scratch === undefined) return facts
  for (const need of sound) {
    const made = need.first.flatMap((one) => inSearchPath(one.namespace, [textOf(one.definition)]))
    const found = await tried(scratch, need, made).catch((error: unknown) => asProblem(error))
    // What fails by what is made before it is told of that.
    if (found !== undefined && (!('problem' in found) || made.length === 0 || (await isMade(scratch, made))))
      facts[definitionKey(need)] = found
  }
  return facts
}

/** Rather than to hold up the table that it reads, or to wait behind whoever does. */
export const BOUNDS = [sql`set local lock_timeout = '500ms'`, sql`set local statement_timeout = '5s'`]

/** What the definition is not to blame for: rights, which are told apart, time, a server that takes no writes, two who change at once. */
const OTHERWISE: readonly (string | undefined)[] = ['42501', '57014', '25006', 'XX000']

async function tried(
  scratch: Scratch,
  { namespace, definition, replaces }: DefinitionNeed,
  made: readonly Sql[],
): Promise<DefinitionFacts> {
  const read = readStatements(definition)
  const [statement] = 'problem' in read ? [] : read
  const isView = replaces && statement !== undefined && 'ViewStmt' in statement
  const beside = { namespace: scratch.namespace, name: 'bellows_view' }
  const text = isView ? rewriteViewName(definition, beside) : textOf(definition)
  const columns = isView ? [sql`select pg_catalog.to_json(${viewColumnsSql(beside)}) as columns`] : []
  const answers = await scratch.try([...BOUNDS, ...made, ...inSearchPath(namespace, [text]), ...columns])
  const row: Row | undefined = answers.at(-1)?.[0]
  return isView ? { columns: row?.columns as readonly string[] } : {}
}

async function isMade(scratch: Scratch, made: readonly Sql[]): Promise<boolean> {
  return await scratch.try([...BOUNDS, ...made]).then(
    () => true,
    () => false,
  )
}

function isSound({ namespace, definition }: Pick<DefinitionNeed, 'namespace' | 'definition'>): boolean {
  const statements = readStatements(definition)
  return (
    !('problem' in statements) &&
    forbidden({ statements, namespace, part: 'expand', outside: false }).length === 0
  )
}

function textOf(definition: string): Sql {
  return trusted(`${definition.trim()}\n`)
}

function asProblem(error: unknown): { readonly problem: string } | undefined {
  if (!(error instanceof BellowsError) || error.code === 'connection_lost') throw error
  const isAnswer = error.code === 'statement_failed' && !OTHERWISE.includes(error.sqlstate)
  return isAnswer ? { problem: error.message } : undefined
}
