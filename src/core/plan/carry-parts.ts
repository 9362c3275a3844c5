import { hash } from '../hash.ts'
import { rewriteConstraint, rewriteIndex } from '../rewrite.ts'
import type { Index } from '../schema/indexes.ts'
import { type Constraint, pointsAtParts, type Table } from '../schema/model.ts'
import { id, join, qualified, type Sql, sql, trusted } from '../sql.ts'
import type { Copy, Renamed } from './copied.ts'
import { keyPartLocks, looseKeyLocks, looseKeysSql, manyTriggers } from './foreign-key-parts.ts'
import { upsertRace } from './hazards.ts'
import { buildLocks, loosePartsSql } from './index-parts.ts'
import { aloneLock } from './locks.ts'
import { all, constraintIs, indexHas, indexValid } from './probes.ts'
import type { ForeignKeyPartsStep, IndexPartsStep, StepDraft } from './step.ts'

/** The twin of an index of a partitioned table: first of the table alone, not valid yet, and then partition by partition. */
export function carriedPartsSteps(table: Table, copy: Copy<Index>, column: Renamed): readonly StepDraft[] {
  const { original, copyName } = copy
  const parts = partsOf(table, copy, column)
  const name = `the index "${original.name}" for "${column.to}"`
  return [
    {
      kind: 'ddl',
      phase: 'verify',
      does: `make ${name}, without its partitions yet`,
      hazards: [],
      probe: indexHas(parts.index, table, null),
      // An explicit lock would take the partitions as well.
      locks: [{ relation: table, level: 'share', implied: true }],
      requires: [],
      statements: [rewriteIndex(original.definition, column, copyName, original.tablespace)],
      cost: 'instant',
    },
    {
      ...parts,
      phase: 'verify',
      how: 'build',
      does: `build ${name} in each partition of "${table.name}"`,
      hazards: original.unique ? [upsertRace(column)] : [],
      probe: indexValid(parts.index),
      locks: buildLocks(table),
    },
  ]
}

/** The same of a unique constraint, of which each partition has one. */
export function carriedUniquePartsSteps(
  table: Table,
  copy: Copy<Constraint>,
  column: Renamed,
): readonly StepDraft[] {
  const { original, copyName } = copy
  const definition = uniqueSql(table, original, column)
  const parts = partsOf(table, copy, column)
  const stands = constraintIs(table, copyName, 'unique')
  const name = `the unique constraint "${original.name}" for "${column.to}"`
  return [
    {
      kind: 'ddl',
      phase: 'verify',
      does: `make ${name}, without its partitions yet`,
      hazards: [],
      probe: stands,
      locks: [aloneLock(table, 'access_exclusive')],
      requires: [],
      statements: [sql`alter table only ${qualified(table)} add constraint ${id(copyName)} ${definition}`],
      cost: 'instant',
    },
    {
      ...parts,
      constraint: { kind: 'unique', definition, usingIndex: { before: sql`unique`, after: sql`` } },
      phase: 'verify',
      how: 'build',
      does: `build ${name} in each partition of "${table.name}"`,
      hazards: [upsertRace(column)],
      probe: all([stands, indexValid(parts.index)]),
      locks: buildLocks(table, 'constraint'),
    },
  ]
}

/** Out of its columns, because the parser's own printer leaves INCLUDE out. Its options are those of its index. */
function uniqueSql(table: Table, { name, columns, definition }: Constraint, { from, to }: Renamed): Sql {
  const index = table.indexes.find(({ constraint }) => constraint === name)
  const nameParts = index?.nameParts ?? columns
  const [, options] = / WITH \(([^()]*)\)$/.exec(index?.definition ?? '') ?? []
  const list = (names: readonly string[]) => join(names.map((one) => id(one === from ? to : one)))
  const nulls = / NULLS NOT DISTINCT /.test(definition) ? sql` nulls not distinct` : sql``
  const more = nameParts.slice(columns.length)
  return join(
    [
      sql`unique${nulls} (${list(columns)})`,
      ...(more.length === 0 ? [] : [sql`include (${list(more)})`]),
      ...(options === undefined ? [] : [sql`with (${trusted(options)})`]),
      ...(index?.tablespace ? [sql`using index tablespace ${id(index.tablespace)}`] : []),
    ],
    ' ',
  )
}

/** Each partition gets the foreign key and is proved by itself; the table takes these over. */
export function carriedKeyPartsStep(table: Table, copy: Copy<Constraint>, column: Renamed): StepDraft {
  const key = keyOf(table, copy, column)
  return {
    ...key,
    phase: 'verify',
    how: 'add',
    does: `give each partition of "${table.name}" the foreign key "${copy.original.name}" on "${column.to}", and then the table`,
    hazards: manyTriggers(table, key.other),
    probe: constraintIs(table, key.name, 'foreign_key'),
    locks: keyPartLocks(table, key),
  }
}

/** What partitions have got before their table has it. */
export function dropLooseKeyStep(table: Table, copy: Copy<Constraint>, column: Renamed): StepDraft {
  const key = keyOf(table, copy, column)
  return {
    ...key,
    phase: 'expand',
    how: 'drop',
    does: `take the foreign key "${copy.original.name}" on "${column.to}" from the partitions that have it before "${table.name}"`,
    hazards: [],
    probe: sql`not exists (${looseKeysSql(key)})`,
    locks: looseKeyLocks(table, key),
  }
}

function keyOf(table: Table, { original, copyName }: Copy<Constraint>, column: Renamed) {
  const { references, definition, columns } = original
  return {
    kind: 'foreign_key_parts',
    table,
    other: references ?? table,
    name: copyName,
    definition: rewriteConstraint(definition, column),
    comment: null,
    ...(pointsAtParts(original)
      ? { columns: columns.map((name) => (name === column.from ? column.to : name)) }
      : {}),
  } as const satisfies Partial<ForeignKeyPartsStep>
}

/** What is attached goes with the index; what is not yet would stay. */
export function dropLooseStep(table: Table, copy: Copy<Index | Constraint>, column: Renamed): StepDraft {
  const parts = partsOf(table, copy, column)
  return {
    ...parts,
    phase: 'expand',
    how: 'drop',
    does: `drop what the build of "${copy.original.name}" for "${column.to}" left unattached`,
    hazards: [],
    probe: sql`not exists (${loosePartsSql(parts)})`,
    locks: [],
  }
}

type Parts = Pick<
  IndexPartsStep,
  'kind' | 'table' | 'index' | 'using' | 'tablespace' | 'nameParts' | 'prefix'
>

function partsOf(
  table: Table,
  { original, copyName }: Copy<Index | Constraint>,
  { from, to, finalName }: Renamed,
): Parts {
  const index = table.indexes.find(({ name, constraint }) => [name, constraint].includes(original.name))
  return {
    kind: 'index_parts',
    table,
    index: { namespace: table.namespace, name: copyName },
    using: null,
    tablespace: index?.tablespace ?? null,
    nameParts: (index?.nameParts ?? []).map((part) => (part === from ? (finalName ?? to) : part)),
    prefix: `bellows_part_${hash(copyName).slice(0, 8)}_`,
  }
}
