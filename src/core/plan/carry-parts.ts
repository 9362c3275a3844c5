import { hash } from '../hash.ts'
import { rewriteConstraint, rewriteIndex } from '../rewrite.ts'
import type { Index } from '../schema/indexes.ts'
import { type Constraint, pointsAtParts, type Table } from '../schema/model.ts'
import { type Sql, sql } from '../sql.ts'
import type { Copy, Renamed } from './copied.ts'
import { upsertRace } from './hazards.ts'
import { buildLocks, dropLoosePartsStep, type IndexPartsOf } from './index-parts.ts'
import { keyPlace, keyText } from './key-text.ts'
import {
  constraintPartsSteps,
  dropLooseForeignKeysStep,
  foreignKeyPartsStep,
  type PartedKey,
} from './parts-steps.ts'
import { constraintIs, indexHas, indexValid } from './probes.ts'
import type { StepDraft } from './step.ts'

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

/** The same of the primary key, for as long as the old one stands. */
export function carriedKeyPartsSteps(
  table: Table,
  copy: Copy<Constraint>,
  column: Renamed,
): readonly StepDraft[] {
  const index = table.indexes.find(({ constraint }) => constraint === copy.original.name)
  return index === undefined ? [] : carriedPartsSteps(table, { ...copy, original: index }, column)
}

/** The same of a unique constraint, of which each partition has one. */
export function carriedUniquePartsSteps(
  table: Table,
  copy: Copy<Constraint>,
  column: Renamed,
): readonly StepDraft[] {
  const { original, copyName } = copy
  const definition = uniqueSql(table, original, column)
  const stands = constraintIs(table, copyName, 'unique')
  const name = `the unique constraint "${original.name}" for "${column.to}"`
  return constraintPartsSteps(
    {
      ...partsOf(table, copy, column),
      constraint: { kind: 'unique', definition, usingIndex: { before: sql`unique`, after: sql`` } },
    },
    {
      make: `make ${name}, without its partitions yet`,
      build: `build ${name} in each partition of "${table.name}"`,
    },
    { phase: 'verify', hazards: [upsertRace(column)], probe: stands, stands, requires: [] },
  )
}

function uniqueSql(table: Table, key: Constraint, column: Renamed): Sql {
  const index = table.indexes.find(({ constraint }) => constraint === key.name)
  const nulls = / NULLS NOT DISTINCT /.test(key.definition) ? sql` nulls not distinct` : sql``
  return sql`unique${nulls} ${keyText(key, index, [column])}${keyPlace(index)}`
}

export function carriedForeignKeyPartsStep(table: Table, copy: Copy<Constraint>, column: Renamed): StepDraft {
  return foreignKeyPartsStep(keyOf(table, copy, column), {
    phase: 'verify',
    hazards: [],
    probe: constraintIs(table, copy.copyName, 'foreign_key'),
    shown: shownFor(copy, column),
  })
}

export function dropLooseKeyStep(table: Table, copy: Copy<Constraint>, column: Renamed): StepDraft {
  return dropLooseForeignKeysStep(keyOf(table, copy, column), {
    phase: 'expand',
    shown: shownFor(copy, column),
  })
}

function shownFor({ original }: Copy<Constraint>, { to }: Renamed): string {
  return `"${original.name}" on "${to}"`
}

function keyOf(table: Table, { original, copyName }: Copy<Constraint>, column: Renamed): PartedKey {
  const { references, definition, columns } = original
  return {
    table,
    other: references ?? table,
    name: copyName,
    definition: rewriteConstraint(definition, column),
    ...(pointsAtParts(original)
      ? { columns: columns.map((name) => (name === column.from ? column.to : name)) }
      : {}),
  }
}

export function dropLooseStep(table: Table, copy: Copy<Index | Constraint>, column: Renamed): StepDraft {
  return dropLoosePartsStep(partsOf(table, copy, column), {
    phase: 'expand',
    does: `drop what the build of "${copy.original.name}" for "${column.to}" left unattached`,
  })
}

function partsOf(
  table: Table,
  { original, copyName }: Copy<Index | Constraint>,
  { from, to, finalName }: Renamed,
): IndexPartsOf & { readonly table: Table } {
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
