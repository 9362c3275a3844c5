import type { Hazard } from '../../plan/hazard.ts'
import type { StepDraft } from '../../plan/step.ts'
import { rewriteType } from '../../rewrite.ts'
import { isSameName, type QualifiedName, type Table } from '../../schema/model.ts'
import { withEach } from '../../schema/references.ts'
import { id, join, lit, qualified, type Sql, sql } from '../../sql.ts'
import { columnIsLast, hangingHazards } from '../change-type/checks.ts'
import { type Along, type Changing, type Keys, seedOf, together } from '../change-type/keys/keys.ts'
import { twinColumn, type Work } from '../copy/work.ts'
import type { Context } from '../operation.ts'
import {
  alikeSql,
  labelsAreAsPlanned,
  nothingElseGoes,
  nothingElseUses,
  typeAbsent,
  typeExists,
} from './catalog.ts'
import { isMadeInAMoment } from './checks.ts'
import {
  asColumnOf,
  knownType,
  mappingOf,
  membersOf,
  type RemoveEnumValue,
  type Types,
  typesOf,
} from './removal.ts'

export interface Removal {
  readonly op: RemoveEnumValue
  readonly types: Types
  readonly keys: Keys
  /** What is in the way of the contract. */
  readonly users: readonly string[]
}

export function removalOf(op: RemoveEnumValue, { schema, facts, seed }: Context): Removal {
  const types = typesOf(op, facts, seed)
  const { type, next, retired } = types
  const members = membersOf(op, facts, schema)
  const columns = members.map(({ table, from }): Changing => {
    const column = { table, column: from.name }
    return {
      ...column,
      // Under the name that it has in the end it is of the same type, and is kept in the same way.
      toColumn: twinColumn(
        from,
        { ...from, type: asColumnOf(from, next) },
        { name: from.name, collation: null },
      ),
      mapping: mappingOf(op, from, { old: type, renewed: next }),
      mappingHidden: mappingOf(op, from, { old: retired, renewed: type }),
      notNull: !from.nullable,
      asOwner: true,
      seed: seedOf(seed, column),
    }
  })
  const ofNext = withEach(
    schema,
    members.map(({ table }) => table),
    (table) => withType(table, columns, types),
  )
  return {
    op,
    types,
    keys: { ...together(columns, ofNext), along: exchanged(types, columns) },
    users: (knownType(op, facts)?.users ?? []).filter(isMadeInAMoment),
  }
}

/** The table with indexes that fit the new type under the name that it has until the contract. */
function withType(table: Table, columns: readonly Changing[], { type, next }: Types): Table {
  const mine = columns.filter((one) => isSameName(one.table, table))
  return {
    ...table,
    indexes: table.indexes.map((index) =>
      mine.some(({ column }) => index.columns.includes(column))
        ? { ...index, definition: rewriteType(index.definition, type, next.name) }
        : index,
    ),
  }
}

/** The types change their names with the columns, so that the name means the new one for everybody at once. */
function exchanged({ type, next, retired, labels, left }: Types, columns: readonly Changing[]): Along {
  return {
    types: [type],
    requires: [
      labelsAreAsPlanned(type, labels),
      labelsAreAsPlanned(next, left),
      nothingElseUses(type, columns, next),
    ],
    requiresBack: [nothingElseGoes(type, columns, retired)],
    there: [renameSql(type, retired.name), renameSql(next, type.name)],
    back: [renameSql(type, next.name), renameSql(retired, type.name)],
    isThere: typeExists(retired),
    isBack: typeAbsent(retired),
  }
}

function renameSql(type: QualifiedName, to: string): Sql {
  return sql`alter type ${qualified(type)} rename to ${id(to)}`
}

export function makeTypeStep({ op, types: { type, next, labels, left }, users }: Removal): StepDraft {
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `make the type "${op.type}" without '${op.value}', as "${next.name}"`,
    hazards: [
      ...typeHazards(op),
      ...users.map((user) => ({
        code: 'blocks_contract' as const,
        because: `The ${user} is made with the type "${op.type}". Drop it before the contract, and make it anew afterwards.`,
      })),
    ],
    probe: typeExists(next),
    locks: [],
    requires: [labelsAreAsPlanned(type, labels)],
    statements: [
      sql`create type ${qualified(next)} as enum (${join(left.map((label) => lit(label)))})`,
      alikeSql(type, next),
      // A statement that was prepared before the contract goes on giving its values as the type that it knew.
      ...castsOf(type, next).map((cast) => sql`create cast ${cast} with inout as assignment`),
    ],
    cost: 'instant',
  }
}

function typeHazards({ type, value, becomes }: RemoveEnumValue): readonly Hazard[] {
  return [
    {
      code: 'may_break',
      because: `Until the contract whoever writes '${value}' finds it again, and it is ${becomes === null ? 'NULL' : `'${becomes}'`} in the new column. From the contract on whoever writes it, or compares with it, fails.`,
    },
    {
      code: 'seen_by_all',
      because: `From the contract on "${type}" is another type, also in sessions that are open. A statement that was prepared before fails once with "cached plan must not change result type" if it returns a value of it, and each time if it compares a parameter with one: have connections renewed right behind the contract where statements are prepared by name.`,
    },
  ]
}

/** There and back. */
function castsOf(a: QualifiedName, b: QualifiedName): readonly [Sql, Sql] {
  return [sql`(${qualified(a)} as ${qualified(b)})`, sql`(${qualified(b)} as ${qualified(a)})`]
}

function dropSql(a: QualifiedName, b: QualifiedName, gone: QualifiedName): readonly Sql[] {
  return [
    ...castsOf(a, b).map((cast) => sql`drop cast if exists ${cast}`),
    sql`drop type if exists ${qualified(gone)} restrict`,
  ]
}

export function dropTypeStep({ op, types: { type, retired } }: Removal): StepDraft {
  return {
    kind: 'purge',
    phase: 'purge',
    does: `drop the type with '${op.value}'`,
    hazards: [
      {
        code: 'drops_values',
        because: `There is no way back after this step, and nothing tells any more which rows had '${op.value}'.`,
      },
      {
        code: 'may_break',
        because: `A statement with a parameter of "${op.type}" that was prepared before the contract fails from here on, as long as its connection keeps it.`,
      },
    ],
    probe: typeAbsent(retired),
    locks: [],
    requires: [nothingElseGoes(retired, [], type)],
    statements: dropSql(retired, type, retired),
    cost: 'instant',
  }
}

/** Asked before each column is dropped for good, and not as the type is: a table that was detached meanwhile has kept its own. */
export function asLongAsNothingElseHasIt(step: StepDraft, removal: Removal): StepDraft {
  const { retired, next, type } = removal.types
  if (step.kind !== 'purge' && step.kind !== 'ddl') return step
  const { members } = removal.keys
  const going = step.kind === 'purge' ? retired : next
  const columns = members.map(({ table, to, leaving }) => ({
    table,
    column: step.kind === 'purge' ? leaving.hidden : to,
  }))
  return { ...step, requires: [...step.requires, nothingElseGoes(going, columns, type)] }
}

export function takeTypeBackStep({ op, types: { type, next } }: Removal): StepDraft {
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `drop the type without '${op.value}' again`,
    hazards: [],
    probe: typeAbsent(next),
    locks: [],
    requires: [nothingElseGoes(next, [], type)],
    statements: dropSql(type, next, next),
    cost: 'instant',
  }
}

export function memberHazards(work: Work): readonly Hazard[] {
  return [columnIsLast(work), ...hangingHazards(work)]
}
