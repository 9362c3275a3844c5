import { rewriteConstraint, rewriteIndex } from '../rewrite.ts'
import type { Index } from '../schema/indexes.ts'
import { type Constraint, needsColumn, type QualifiedName, type Table } from '../schema/model.ts'
import { id, qualified, type Sql, sql } from '../sql.ts'
import {
  carriedForeignKeyPartsStep,
  carriedKeyPartsSteps,
  carriedPartsSteps,
  carriedUniquePartsSteps,
} from './carry-parts.ts'
import { commentedSql } from './commented.ts'
import { foreignKeySteps, indexToConstraintStep } from './constraint-steps.ts'
import type { Copy, Renamed } from './copied.ts'
import { upsertRace } from './hazards.ts'
import { asideUnderSql, hasKeysUnder, nameUnderSql } from './key-names.ts'
import { defaultName, finalName, type Names } from './names.ts'
import { indexValid } from './probes.ts'
import type { StepDraft } from './step.ts'

/** What hangs on the old column and gets a twin on the new one. */
export interface Carried {
  readonly indexes: readonly Copy<Index>[]
  readonly uniques: readonly Copy<Constraint>[]
  /** The primary key: its twin is a unique index until the old one goes, because a table has one at a time. */
  readonly keys: readonly Copy<Constraint>[]
  readonly checks: readonly Copy<Constraint>[]
  readonly foreignKeys: readonly Copy<Constraint>[]
}

export function carried(table: Table, column: Renamed, names: Names): Carried {
  const taken = takenNames(table)
  const on = <T extends { readonly name: string }>(
    objects: readonly T[],
    nameWith: (object: T, column: string) => string,
  ): Copy<T>[] =>
    objects.map((original) => ({
      original,
      copyName: names.copy(original.name),
      finalName: finalName(
        original.name,
        nameWith(original, column.from),
        nameWith(original, column.to),
        taken,
      ),
    }))

  const replaced = (columns: readonly string[], by: string) =>
    columns.map((name) => (name === column.from ? by : name))
  const ofKind = (kind: Constraint['kind']) =>
    table.constraints.filter((one) => one.kind === kind && needsColumn(table, one, column.from))
  const partsOf = (key: Constraint) =>
    table.indexes.find((index) => index.constraint === key.name)?.nameParts ?? key.columns
  return {
    indexes: on(
      table.indexes.filter((index) => index.constraint === null && index.columns.includes(column.from)),
      (index, by) => defaultName(table.name, replaced(index.nameParts, by), 'idx'),
    ),
    uniques: on(ofKind('unique'), (unique, by) =>
      defaultName(table.name, replaced(partsOf(unique), by), 'key'),
    ),
    // Under one name it is made of both columns at once, see `keys/`.
    keys: column.from === column.to ? [] : on(ofKind('primary_key'), ({ name }) => name),
    checks: on(ofKind('check'), (check, by) =>
      defaultName(table.name, check.columns.length === 1 ? replaced(check.columns, by) : [], 'check'),
    ),
    foreignKeys: on(ofKind('foreign_key'), (key, by) =>
      defaultName(table.name, replaced(key.columns, by), 'fkey'),
    ),
  }
}

/** The names that a copy cannot end up with. */
function takenNames(table: Table): ReadonlySet<string> {
  return new Set([
    ...table.neighbours,
    ...table.indexes.map((index) => index.name),
    ...table.constraints.map((constraint) => constraint.name),
  ])
}

/** Additions to the `ALTER TABLE` that puts up the proofs: checks hold for every row once the verification has passed. */
export function checkAdditions(checks: Carried['checks'], column: Renamed): readonly Sql[] {
  return checks.map(({ original, copyName }) => {
    const notValid = original.validated ? sql` not valid` : sql``
    return sql`add constraint ${id(copyName)} ${rewriteConstraint(original.definition, column)}${notValid}`
  })
}

/** The steps that build the twins of indexes, unique constraints and foreign keys; each is short, or lets writers go on. */
export function carrySteps(table: Table, things: Carried, column: Renamed): readonly StepDraft[] {
  return [
    ...things.indexes.flatMap((copy) =>
      table.kind === 'partitioned'
        ? carriedPartsSteps(table, copy, column)
        : [indexStep(table, copy.original, copy.copyName, column)],
    ),
    ...things.uniques.flatMap((copy) =>
      table.kind === 'partitioned'
        ? carriedUniquePartsSteps(table, copy, column)
        : uniqueSteps(table, copy, column),
    ),
    ...things.keys.flatMap((copy) =>
      table.kind === 'partitioned'
        ? carriedKeyPartsSteps(table, copy, column)
        : carryingSteps(table, copy, column),
    ),
    ...things.foreignKeys.flatMap((copy) =>
      table.kind === 'partitioned'
        ? [carriedForeignKeyPartsStep(table, copy, column)]
        : copyForeignKey(table, copy, column),
    ),
  ]
}

function indexStep(table: Table, index: Index, copyName: string, column: Renamed): StepDraft {
  const copy = { namespace: table.namespace, name: copyName }
  return {
    kind: 'concurrent_index',
    phase: 'verify',
    does: `build the index "${index.name}" for "${column.to}"`,
    hazards: index.unique ? [upsertRace(column)] : [],
    probe: indexValid(copy),
    locks: [{ relation: table, level: 'share_update_exclusive' }],
    index: copy,
    statement: rewriteIndex(index.definition, column, copyName, index.tablespace),
  }
}

/** The index of a constraint. */
function carryingSteps(table: Table, copy: Copy<Constraint>, column: Renamed): readonly StepDraft[] {
  const index = table.indexes.find((one) => one.constraint === copy.original.name)
  return index === undefined ? [] : [indexStep(table, index, copy.copyName, column)]
}

function uniqueSteps(table: Table, copy: Copy<Constraint>, column: Renamed): readonly StepDraft[] {
  return [
    ...carryingSteps(table, copy, column),
    indexToConstraintStep(table, copy.copyName, {
      kind: 'unique',
      phase: 'verify',
      does: `make the unique index of "${copy.original.name}" a constraint`,
    }),
  ]
}

/** The definition of an original that was never proved ends in NOT VALID already. */
function copyForeignKey(table: Table, copy: Copy<Constraint>, column: Renamed): readonly StepDraft[] {
  const { original, copyName } = copy
  const [add, validate] = foreignKeySteps({
    table,
    other: original.references ?? table,
    name: copyName,
    definition: sql`${rewriteConstraint(original.definition, column)}${original.validated ? sql` not valid` : sql``}`,
    shown: `"${original.name}" on "${column.to}"`,
    phase: 'verify',
  })
  return original.validated ? [add, validate] : [add]
}

/** Statements of the purging transaction: the originals are gone, so the twins take their final names. */
export function settleSql(
  table: Table,
  things: Carried,
  column: { readonly from: string; readonly finalName: string },
): readonly Sql[] {
  const on = qualified(table)
  const commented = ({ finalName: name, original }: Copy<Constraint>) =>
    commentedSql(sql`constraint ${id(name)} on ${on}`, original.comment)
  // That of a partitioned table has come with all that it had: see copy/part-keys.ts.
  const ownKeys = table.kind === 'partitioned' ? [] : things.keys
  const keys = ownKeys.flatMap((copy) => [
    sql`alter table ${on} add constraint ${id(copy.finalName)} primary key using index ${id(copy.copyName)}`,
    ...commented(copy),
  ])
  const over = things.foreignKeys.filter(({ original }) => hasKeysUnder(table, original))
  const aside = over.map(({ copyName }) => asideUnderSql(table, copyName))
  const constraints = [...things.uniques, ...things.checks, ...things.foreignKeys].flatMap((copy) => [
    sql`alter table ${on} rename constraint ${id(copy.copyName)} to ${id(copy.finalName)}`,
    ...commented(copy),
  ])
  const under = over.map(({ original, finalName: key }) => {
    const columns = original.columns.map((name) => (name === column.from ? column.finalName : name))
    return nameUnderSql(table, key, columns)
  })
  const carrying = [...things.uniques, ...ownKeys].flatMap(({ original, finalName: name }) => {
    const index = table.indexes.find((one) => one.constraint === original.name)
    return index === undefined ? [] : markedSql(table, index, name)
  })
  const indexes = things.indexes.flatMap(({ original, copyName, finalName: name }) => [
    sql`alter index ${qualified({ namespace: table.namespace, name: copyName })} rename to ${id(name)}`,
    ...markedSql(table, original, name),
  ])
  return [...keys, ...aside, ...constraints, ...under, ...carrying, ...indexes]
}

/** The comment of an index, and whether CLUSTER goes by it. */
export function markedSql(table: QualifiedName, original: Index, name: string): readonly Sql[] {
  return [
    ...commentedSql(sql`index ${qualified({ namespace: table.namespace, name })}`, original.comment),
    ...(original.clustered ? [sql`alter table ${qualified(table)} cluster on ${id(name)}`] : []),
  ]
}

/** Before the old column goes: the table must not be without its replica identity for a moment. */
export function replicaIdentitySql(table: Table, things: Carried): readonly Sql[] {
  const keys = table.kind === 'partitioned' ? [] : things.keys
  const found = [...things.indexes, ...things.uniques, ...keys].find(({ original }) =>
    table.indexes.some(
      (index) =>
        index.replicaIdentity && (index.name === original.name || index.constraint === original.name),
    ),
  )
  return found === undefined
    ? []
    : [sql`alter table ${qualified(table)} replica identity using index ${id(found.copyName)}`]
}

/** Takes the twins away again, from whatever point of their making. */
export function dropCopiesSql(table: QualifiedName, things: Carried): readonly Sql[] {
  const constraints = [...things.uniques, ...things.checks, ...things.foreignKeys].map(
    ({ copyName }) => sql`alter table ${qualified(table)} drop constraint if exists ${id(copyName)}`,
  )
  const indexes = [...things.indexes, ...things.uniques, ...things.keys].map(
    ({ copyName }) => sql`drop index if exists ${qualified({ namespace: table.namespace, name: copyName })}`,
  )
  return [...constraints, ...indexes]
}
