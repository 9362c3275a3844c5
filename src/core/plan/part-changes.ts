import { parsed, type Tree } from '../parse.ts'
import { remembered } from '../remembered.ts'
import { qualified, type Sql, trusted } from '../sql.ts'
import { commandsOf, constraintOf, partsOf } from '../statements/statement.ts'

/** How often a statement goes through the partitions of a table, to change each of them. */
export interface PartChange {
  /** The table as SQL, if the statement names it. */
  readonly table?: Sql
  readonly changes: number
  /** Of the table without its partitions. */
  readonly only?: true
  /** May be of a foreign key, which has its triggers in the other table as well. */
  readonly isKey?: true
}

export function partChanges(statements: readonly Sql[]): readonly PartChange[] {
  return statements.flatMap(changesIn)
}

const changesIn = remembered((text): readonly PartChange[] => {
  const found = parsed(text)
  return 'problem' in found ? [{ changes: 1 }] : found.flatMap(changesOf)
})

/** PostgreSQL goes through them for each action of an ALTER TABLE by itself. */
function changesOf(statement: Tree.Node): readonly PartChange[] {
  if ('AlterTableStmt' in statement) return [actionsOf(statement.AlterTableStmt.relation, statement)]
  if ('RenameStmt' in statement) {
    const { renameType = '', relation } = statement.RenameStmt
    return IN_PARTS.has(renameType) ? [{ ...changed(relation), changes: 1 }] : []
  }
  if ('DropStmt' in statement) return dropped(statement.DropStmt)
  if ('DoStmt' in statement) return changesInBody(statement.DoStmt)
  return 'CreateTrigStmt' in statement ? [{ ...changed(statement.CreateTrigStmt.relation), changes: 1 }] : []
}

/** What PostgreSQL makes in a partition for a foreign key takes as long as so many other changes: a constraint, and triggers. */
export const KEY_CHANGES = 4

function actionsOf(relation: Tree.RangeVar | undefined, statement: Tree.Node): PartChange {
  const commands = commandsOf(statement)
  const comes = (command: Tree.AlterTableCmd) => constraintOf(command)?.contype === 'CONSTR_FOREIGN'
  // Which kind of constraint goes is not said.
  const isKey = commands.some((one) => comes(one) || one.subtype === 'AT_DropConstraint')
  return {
    ...changed(relation),
    changes: commands.reduce((sum, command) => sum + (comes(command) ? KEY_CHANGES : 1), 0),
    ...(isKey ? { isKey } : {}),
  }
}

function changed(relation: Tree.RangeVar | undefined): Pick<PartChange, 'table' | 'only'> {
  const { schemaname, relname, inh } = relation ?? {}
  return {
    ...(schemaname && relname ? { table: qualified({ namespace: schemaname, name: relname }) } : {}),
    ...(inh === true ? {} : { only: true }),
  }
}

const IN_PARTS = new Set(['OBJECT_COLUMN', 'OBJECT_TABCONSTRAINT', 'OBJECT_TRIGGER'])

/** An index does not say of which table it is. */
function dropped({ removeType, objects = [] }: Tree.DropStmt): readonly PartChange[] {
  if (removeType === undefined || !PARTED.has(removeType)) return []
  return objects.map((object) => {
    const parts = partsOf(object)
    const [namespace, name, more] = removeType === 'OBJECT_TRIGGER' ? parts.slice(0, -1) : parts
    const isTable = removeType !== 'OBJECT_INDEX' && namespace !== undefined && more === undefined
    return { ...(isTable && name !== undefined ? { table: qualified({ namespace, name }) } : {}), changes: 1 }
  })
}

const PARTED: ReadonlySet<string> = new Set(['OBJECT_TABLE', 'OBJECT_INDEX', 'OBJECT_TRIGGER'])

/** What a DO does is not read further than for the tables that it alters: each once, or one that is not said. */
function changesInBody({ args = [] }: Tree.DoStmt): readonly PartChange[] {
  const bodies = args.flatMap((arg) =>
    'DefElem' in arg && arg.DefElem.arg !== undefined && 'String' in arg.DefElem.arg
      ? [arg.DefElem.arg.String.sval ?? '']
      : [],
  )
  const body = bodies.join(' ')
  const tables = new Set([...body.matchAll(ALTERED)].map(([, name = '']) => name))
  if (tables.size === 0) return body.includes('alter table') ? [{ changes: 1 }] : []
  return [...tables].map((name) => ({ table: trusted(name), changes: 1, isKey: true }))
}

const ALTERED = /alter table (?:only )?("(?:[^"]|"")+"\."(?:[^"]|"")+")/g
