import type { Tree } from '../../parse.ts'
import { type Leaver, leaverOf, ofEverybody } from '../../plan/leaver.ts'
import type { GateStep } from '../../plan/step.ts'
import { NOT_IN_LOG } from '../../plan/thing.ts'
import { isSameName, type QualifiedName } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { nameOf, partsOf } from '../../statements/statement.ts'
import { droppedPlaces } from '../../statements/taken-back.ts'
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
  const taken = upOf(op).map((statement) => takenBy(statement, op.namespace))
  const leavers = taken
    .flatMap((one) => one.leavers)
    .filter(({ table }) => !made.some((other) => isSameName(other, table)))
  const names = taken.flatMap((one) => one.names)
  const along = names.length === 0 ? {} : { along: names }
  const isAllNamed = taken.every((one) => one.leavers.length > 0)
  const rest = isAllNamed && leavers.length > 0 ? [] : [ofEverybody(called)]
  return [...leavers, ...rest].map((leaver) => ({ ...leaver, ...along }))
}

function takenBy(statement: Tree.Node, namespace: string): Taken {
  const taken = saidBy(statement, namespace)
  return { leavers: taken.map(leaverOf), names: taken.map(({ said }) => said) }
}

type Said = Leaver & { readonly said: string }

function saidBy(statement: Tree.Node, namespace: string): readonly Said[] {
  if ('DropStmt' in statement) {
    const { removeType = '', objects = [] } = statement.DropStmt
    const kind = KINDS[removeType]
    if (kind === undefined) return []
    return objects.map((object) => dropped(nameOf(partsOf(object), namespace), kind))
  }
  return droppedPlaces(statement, namespace).map(({ table, column = '' }) => ({
    table,
    column,
    said: `${full(table)}.${shown(column)}`,
  }))
}

const KINDS: Readonly<Record<string, 'table' | 'view' | 'materialized view'>> = {
  OBJECT_TABLE: 'table',
  OBJECT_FOREIGN_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'materialized view',
}

function dropped(table: QualifiedName, kind: (typeof KINDS)[string]): Said {
  const said = full(table)
  if (kind === 'table') return { table, said }
  return {
    table,
    thing: {
      called: `the ${kind} ${said}`,
      reach: 'relation',
      shows: [{ by: 'relation', name: table }],
      ...NOT_IN_LOG,
    },
    said,
  }
}

function full({ namespace, name }: QualifiedName): string {
  return `${shown(namespace)}.${shown(name)}`
}
