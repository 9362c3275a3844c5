import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type {
  AddedColumn,
  DefaultNeed,
  Needs,
  OperationNeeds,
  TableTouch,
  Touch,
} from '../operations/needs.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import { nameOf } from '../schema/name-of.ts'
import { qualified } from '../sql.ts'
import { arranged } from './arranged.ts'
import { definitionNeeds } from './definition-needs.ts'
import type { Plan } from './plan.ts'
import type { Lock } from './step.ts'

/** What must be asked of the server before a migration can be planned: all that its operations need, each once. */
export function needsOf(migration: Migration): Needs {
  const { operations } = arranged(migration)
  const needs = operations.map((op) => specOf(op).needs(op))
  const tables = new Map<string, Needs['tables'][number]>()
  for (const table of needs.flatMap((one) => one.tables)) {
    const known = tables.get(qualified(table))
    const { columns = [], leaves = false, partsLeave = false, follows = false } = known ?? {}
    tables.set(qualified(table), {
      ...nameOf(table),
      columns: [...columns, ...table.columns],
      ...(leaves || table.leaves === true ? { leaves: true } : {}),
      ...(partsLeave || table.partsLeave === true ? { partsLeave: true } : {}),
      ...(follows || table.follows === true ? { follows: true } : {}),
    })
  }
  return {
    tables: [...tables.values()],
    ofTypes: needs.flatMap(({ ofTypes = [] }) => ofTypes),
    types: [...new Set(needs.flatMap(({ types = [] }) => types))],
    expressions: needs.flatMap(({ expressions = [] }) => expressions),
    values: needs.flatMap(({ values = [] }, at) =>
      values.map((value) => {
        const added = addedTo(value.table, needs, at)
        return added.length === 0 ? value : { ...value, added }
      }),
    ),
    mappings: needs.flatMap(({ mappings = [] }) => mappings),
    collations: needs.flatMap(({ collations = [] }) => collations),
    indexes: needs.flatMap(({ indexes = [] }, at) => indexes.map((one) => asItWillBe(one, needs, at))),
    exclusions: needs.flatMap(({ exclusions = [] }, at) =>
      exclusions.map((one) => asItWillBe(one, needs, at)),
    ),
    defaults: needs.flatMap(({ defaults = [] }, at) =>
      defaults.map((one) => {
        const coming = needs.slice(0, at).flatMap(({ adds = [] }) => adds.filter((add) => isOf(one, add)))
        const isCopied = needs.some(({ adds = [] }) => adds.some((add) => isCopiedFrom(one, add)))
        return isCopied || coming.length > 0 ? { ...one, coming: coming.map(withoutTable) } : one
      }),
    ),
    // An operation may state a condition on the column that it adds itself.
    conditions: needs.flatMap(({ conditions = [] }, at) =>
      conditions.map((one) => ({ ...one, added: addedTo(one.table, needs, at + 1, at) })),
    ),
    definitions: definitionNeeds(operations),
    views: needs.flatMap(({ views = [] }) => views),
    names: needs.flatMap(({ names = [] }) => names),
    options: [...new Set(needs.flatMap(({ options = [] }) => options))],
    objects: needs.flatMap(({ objects = [] }) => objects),
    bounds: needs.flatMap(({ bounds = [] }) => bounds),
    questions: [...new Set(needs.flatMap(({ questions = [] }) => questions))],
  }
}

/** With what operations in front of one do to the table. */
function asItWillBe<N extends { readonly table: QualifiedName }>(
  need: N,
  needs: readonly OperationNeeds[],
  at: number,
) {
  return {
    ...need,
    added: addedTo(need.table, needs, at),
    ...dividedBy(need.table, needs.slice(0, at)),
  }
}

/** Columns that operations in front of one add; of copies those that it works on itself. */
function addedTo(
  table: QualifiedName,
  needs: readonly OperationNeeds[],
  until: number,
  at = until,
): readonly AddedColumn[] {
  const { touches = [] } = needs[at] ?? {}
  const isNamed = ({ column }: AddedColumn) =>
    touches.some((touch) => !('object' in touch) && touch.column === column && isSameName(touch.table, table))
  return needs
    .slice(0, until)
    .flatMap(({ adds = [] }) => adds)
    .filter((one) => isSameName(one.table, table) && (one.like === undefined || isNamed(one)))
    .map(withoutTable)
}

type Added = AddedColumn & { readonly table: QualifiedName }

function withoutTable({ column, type, like, collation }: Added): AddedColumn {
  return {
    column,
    ...(type === undefined ? {} : { type }),
    ...(like === undefined ? {} : { like }),
    ...(collation === undefined ? {} : { collation }),
  }
}

/** How a table is divided that one of the operations makes. */
function dividedBy(
  table: QualifiedName,
  needs: readonly OperationNeeds[],
): Pick<Needs['indexes'][number], 'divided'> {
  const [divided] = needs.flatMap(({ divides }) =>
    divides !== undefined && isSameName(divides.table, table) ? [divides.by] : [],
  )
  return divided === undefined ? {} : { divided }
}

function isOf({ table, column }: DefaultNeed, add: Added): boolean {
  return add.column === column && isSameName(add.table, table)
}

function isCopiedFrom({ table, column }: DefaultNeed, add: Added): boolean {
  return add.like === column && isSameName(add.table, table)
}

/** What the operations of a migration work on. */
export function touchesOf(migration: Migration): readonly Touch[] {
  return arranged(migration).operations.flatMap((op) => specOf(op).needs(op).touches)
}

/** What an operation puts something else in the place of, or nothing. */
export function replacedBy(op: Operation): readonly TableTouch[] {
  return specOf(op)
    .needs(op)
    .touches.filter((touch): touch is TableTouch => !('object' in touch) && touch.how === 'replaces')
}

/** The tables that a migration works on: no second run may touch them meanwhile. */
export function tablesOf(migration: Migration): readonly QualifiedName[] {
  return needsOf(migration).tables.map(nameOf)
}

/**
 * The tables that a plan works on or locks, as another migration beside it has to know. What a view reads that is on its way out is free for
 * all but what may give it another name: by that the view could not be given back as it was.
 */
export function relationsOf(
  { migration, steps, rollback }: Plan,
  beside: Migration,
): readonly QualifiedName[] {
  const locked = [...steps, ...rollback].flatMap((step) => ('locks' in step ? step.locks : []))
  const isOnlyRead = ({ level, implied }: Lock) =>
    level === 'access_share' && implied === true && isOnlyDropping(migration) && !mayRename(beside)
  const named = locked.filter((lock) => !isOnlyRead(lock)).map(({ relation }) => nameOf(relation))
  const all = [...tablesOf(migration), ...named]
  return [...new Map(all.map((one) => [qualified(one), one])).values()]
}

function isOnlyDropping({ operations }: Migration): boolean {
  return operations.every(({ kind }) => kind === 'drop_object')
}

/** A column that a view reads keeps its name until the view is gone: every other operation waits for that at its gate. */
function mayRename({ operations }: Migration): boolean {
  return operations.some(({ kind }) => RENAMING.has(kind))
}

const RENAMING: ReadonlySet<Operation['kind']> = new Set(['rename_column', 'rename_table', 'sql'])
