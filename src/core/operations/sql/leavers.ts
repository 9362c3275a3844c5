import { NO_TABLE } from '../../plan/behind-gate.ts'
import type { Leaver } from '../../plan/leaver.ts'
import type { GateStep } from '../../plan/step.ts'
import { isSameName, type QualifiedName } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import type { Statements } from '../../statements/statement.ts'
import { commandsOf, nameOf, partsOf, relationName } from '../../statements/statement.ts'
import { madeBy, type RunSql, upOf } from './run-sql.ts'

/** What statements take away by its name, and what else they do. */
interface Taken {
  readonly leavers: readonly Leaver[]
  /** As the server calls what goes: what one statement drops does not keep the next one. */
  readonly names: readonly string[]
}

/**
 * What the statements of a contract take away. Tables, views and columns by their name; of everything else they do only whoever is not
 * of the version that is to stay is known to need what was before.
 */
export function leaversOf(op: RunSql, called: string): readonly Pick<GateStep, keyof Leaver | 'along'>[] {
  const made = madeBy(op)
  const taken = upOf(op).map((statement) => takenBy([statement], op.namespace))
  const leavers = taken
    .flatMap((one) => one.leavers)
    .filter(({ table }) => !made.some((other) => isSameName(other, table)))
  const names = taken.flatMap((one) => one.names)
  const along = names.length === 0 ? {} : { along: names }
  const isAllNamed = taken.every((one) => one.leavers.length > 0)
  const rest: readonly Leaver[] =
    isAllNamed && leavers.length > 0 ? [] : [{ table: NO_TABLE, thing: { called, reach: 'all' } }]
  return [...leavers, ...rest].map((leaver) => ({ ...leaver, ...along }))
}

function takenBy(statements: Statements, namespace: string): Taken {
  const taken = statements.flatMap((statement): readonly (Leaver & { readonly said: string })[] => {
    if ('DropStmt' in statement) {
      const { removeType = '', objects = [] } = statement.DropStmt
      const kind = KINDS[removeType]
      if (kind === undefined) return []
      return objects.map((object) => dropped(nameOf(partsOf(object), namespace), kind))
    }
    const relation = 'AlterTableStmt' in statement ? statement.AlterTableStmt.relation : undefined
    const table = relationName(relation, namespace)
    return commandsOf(statement).flatMap(({ subtype, name = '' }) =>
      subtype === 'AT_DropColumn' ? [{ table, column: name, said: `${full(table)}.${shown(name)}` }] : [],
    )
  })
  return { leavers: taken.map(leaverOf), names: taken.map(({ said }) => said) }
}

const KINDS: Readonly<Record<string, 'table' | 'view' | 'materialized view'>> = {
  OBJECT_TABLE: 'table',
  OBJECT_FOREIGN_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'materialized view',
}

function dropped(table: QualifiedName, kind: (typeof KINDS)[string]): Leaver & { readonly said: string } {
  const said = full(table)
  if (kind === 'table') return { table, said }
  return {
    table,
    thing: { called: `the ${kind} ${said}`, reach: 'relation', shows: [{ by: 'relation', name: table }] },
    said,
  }
}

function full({ namespace, name }: QualifiedName): string {
  return `${shown(namespace)}.${shown(name)}`
}

/** Without what belongs to its gate, or to the words for it. */
export function leaverOf({ table, column, thing }: Leaver): Leaver {
  return {
    table,
    ...(column === undefined ? {} : { column }),
    ...(thing === undefined ? {} : { thing }),
  }
}
