import { parsed, type Tree } from '../parse.ts'
import { remembered } from '../remembered.ts'
import type { Sql } from '../sql.ts'
import { commandsOf, constraintOf } from '../statements/statement.ts'

/** How often statements go through the partitions of a table, to change each of them. */
export function partChanges(statements: readonly Sql[]): number {
  return statements.reduce((sum, statement) => sum + changesIn(statement), 0)
}

const changesIn = remembered((text): number => {
  const found = parsed(text)
  if ('problem' in found) return 1
  return found.reduce((sum, statement) => sum + changesOf(statement), 0)
})

/** PostgreSQL goes through them for each action of an ALTER TABLE by itself. */
function changesOf(statement: Tree.Node): number {
  if ('AlterTableStmt' in statement)
    return statement.AlterTableStmt.relation?.inh === true ? actionsOf(statement) : 0
  if ('RenameStmt' in statement) return IN_PARTS.has(statement.RenameStmt.renameType ?? '') ? 1 : 0
  if ('DropStmt' in statement) return PARTED.has(statement.DropStmt.removeType ?? '') ? 1 : 0
  // What a DO does is not read further.
  if ('DoStmt' in statement) return JSON.stringify(statement).includes('alter table') ? 1 : 0
  return 'CreateTrigStmt' in statement ? 1 : 0
}

/** What PostgreSQL makes in a partition for a foreign key takes as long as so many other changes: a constraint, and triggers. */
export const KEY_CHANGES = 4

function actionsOf(statement: Tree.Node): number {
  const isKey = (command: Tree.AlterTableCmd) => constraintOf(command)?.contype === 'CONSTR_FOREIGN'
  return commandsOf(statement).reduce((sum, command) => sum + (isKey(command) ? KEY_CHANGES : 1), 0)
}

const IN_PARTS = new Set(['OBJECT_COLUMN', 'OBJECT_TABCONSTRAINT', 'OBJECT_TRIGGER'])
const PARTED = new Set(['OBJECT_TABLE', 'OBJECT_INDEX', 'OBJECT_TRIGGER'])
