import type { BellowsError } from '../errors.ts'
import { shownObject } from '../objects/database-object.ts'
import { shownType } from '../operations/enum/enum.ts'
import { namesOwnValue } from '../operations/enum/names-value.ts'
import { type ValueRename, valueRenames } from '../operations/enum/renames.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { TableTouch } from '../operations/needs.ts'
import { foundObject, objectOf } from '../operations/object/definition.ts'
import type { Facts } from '../schema/facts.ts'
import { findColumn, findTable, needsColumn, type Schema, type Table } from '../schema/model.ts'
import { lit, shown } from '../sql.ts'
import { withFollowed } from './followed.ts'
import { saysType, textsIn } from './removed-values.ts'
import { refused } from './table-checks.ts'

/**
 * A plan says what it carries along, or gives back, in the words of the catalog as it was planned: a default, a check, the
 * predicate of an index. Behind the rename the server knows a value in them by another name: what is made fails, and what is
 * compared differs.
 */
export function renamedValueProblems(
  { operations }: Migration,
  schema: Schema,
  facts: Facts,
): readonly BellowsError[] {
  return operations.flatMap((op) =>
    valueRenames(op).flatMap((rename) =>
      operations
        .filter((other) => other !== op)
        .flatMap((other) =>
          [
            ...new Set([
              ...ownText(other, rename, schema),
              ...carried(other, rename, schema),
              ...givenBack(other, rename, facts),
            ]),
          ].map((what) =>
            refused(
              `${what} names the value '${rename.from}', and the migration gives that another name: the plan of ${other.kind} knows it by one name only.`,
              'Put them into two migrations; the second begins when the first is contracted.',
            ),
          ),
        ),
    ),
  )
}

/** What a person wrote of it is taken as it is, whatever the value is called by then; statements of a person are in their order. */
function ownText(other: Operation, op: ValueRename, schema: Schema): readonly string[] {
  if (other.kind === 'sql' || !textsIn(other).some((text) => text.includes(lit(op.from)))) return []
  const { touches } = specOf(other).needs(other)
  const tables = touches.flatMap((touch) => ('object' in touch ? [] : (findTable(schema, touch.table) ?? [])))
  return saysType(other, op) || tables.some((table) => hasColumnOf(table, op)) ? [other.kind] : []
}

function hasColumnOf({ columns }: Table, op: ValueRename): boolean {
  return columns.some(({ baseType }) => baseType.replace(/\[\]$/, '') === shownType(op))
}

/** What goes takes along what is on it, and brings it back, without a word of it; what a person does to a table is in that text. */
const CARRIES_NOTHING: ReadonlySet<Operation['kind']> = new Set(['drop_column', 'drop_table', 'sql'])

function carried(other: Operation, op: ValueRename, schema: Schema): readonly string[] {
  if (CARRIES_NOTHING.has(other.kind)) return []
  const { touches } = specOf(other).needs(other)
  return touches
    .flatMap((touch) => withFollowed(touch, schema))
    .flatMap((touch) => ('object' in touch ? [] : saidOf(touch, schema, other.kind === 'alter_column')))
    .filter(({ text }) => namesOwnValue(text, op.from))
    .map(({ what }) => what)
}

/** What gets another definition is compared with the one that it has, which it gets back in a rollback. */
function givenBack(other: Operation, { from }: ValueRename, facts: Facts): readonly string[] {
  if (other.kind !== 'replace_object') return []
  const object = objectOf(other)
  const text = object === undefined ? undefined : foundObject(object, facts)?.definition
  if (object === undefined || text === undefined) return []
  // The body of a routine is a text of its own, in which no value has a type.
  const isNamed = object.argumentTypes === undefined ? namesOwnValue(text, from) : text.includes(lit(from))
  return isNamed ? [`The ${shownObject(object)}`] : []
}

interface Said {
  readonly what: string
  /** As a statement. */
  readonly text: string
}

/**
 * What the catalog says of what an operation takes the place of.
 * @param altersColumn the operation leaves columns in their place, and may give them their default back
 */
function saidOf(touch: TableTouch, schema: Schema, altersColumn: boolean): readonly Said[] {
  const table = findTable(schema, touch.table)
  if (table === undefined) return indexNamed(touch, schema)
  if (touch.constraint !== undefined) return constraints(table, ({ name }) => name === touch.constraint)
  const { column, how } = touch
  if (column === undefined) return how === 'alters' ? everything(table) : []
  if (how !== 'replaces') return altersColumn && how === 'uses' ? defaultOf(table, column) : []
  return [
    ...defaultOf(table, column),
    ...constraints(table, (one) => needsColumn(table, one, column)),
    ...indexes(table, ({ columns }) => columns.includes(column)),
  ]
}

/** An index has its name among those of tables. */
function indexNamed({ table: { namespace, name: index } }: TableTouch, { tables }: Schema): readonly Said[] {
  return tables
    .filter((table) => table.namespace === namespace)
    .flatMap((table) => indexes(table, ({ name }) => name === index))
}

function everything(table: Table): readonly Said[] {
  return [
    ...table.columns.flatMap(({ name }) => defaultOf(table, name)),
    ...constraints(table, () => true),
    ...indexes(table, () => true),
  ]
}

function defaultOf(table: Table, column: string): readonly Said[] {
  const text = findColumn(table, column)?.default ?? null
  return text === null
    ? []
    : [{ what: `The default of ${shown(table.name)}.${shown(column)}`, text: `select ${text}` }]
}

function constraints(table: Table, which: (one: Table['constraints'][number]) => boolean): readonly Said[] {
  return table.constraints
    .filter((one) => one.kind === 'check' && which(one))
    .map(({ name, definition }) => ({
      what: `The check ${shown(name)} of ${shown(table.name)}`,
      text: `alter table t add constraint c ${definition}`,
    }))
}

function indexes(table: Table, which: (one: Table['indexes'][number]) => boolean): readonly Said[] {
  return table.indexes
    .filter(which)
    .map(({ name, definition }) => ({ what: `The index ${shown(name)}`, text: definition }))
}
