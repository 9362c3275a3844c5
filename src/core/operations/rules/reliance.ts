import { canonical } from '../../hash.ts'
import {
  type Constraint,
  isSameName,
  type QualifiedName,
  type Schema,
  type Table,
} from '../../schema/model.ts'
import { type Changed, constraintOn, withEach } from '../../schema/references.ts'
import { shown } from '../../sql.ts'
import { isKey } from './foreign-key-problems.ts'
import { ruleOf } from './known.ts'

interface Key {
  readonly of: QualifiedName
  readonly constraint: Constraint
}

/**
 * The schema after an operation, in which every key knows anew which foreign keys stand on it. Where a table has two keys of the
 * same columns, nobody knows before which of them PostgreSQL takes for a new one: it counts for both.
 */
export function withReliance(after: Schema, [were, are]: Changed): Schema {
  const [old, now] = [were.flatMap(keysOf), are.flatMap(keysOf)]
  const [gone, made] = [without(old, now), without(now, old)]
  const pointedAt = [...gone, ...made].flatMap(({ constraint: { references } }) => references ?? [])
  return withEach(after, pointedAt, (table) => reliedOn(table, gone, made))
}

function keysOf({ namespace, name, constraints }: Table): readonly Key[] {
  return constraints
    .filter(({ kind }) => kind === 'foreign_key')
    .map((constraint) => ({ of: { namespace, name }, constraint }))
}

function without(keys: readonly Key[], others: readonly Key[]): readonly Key[] {
  const known = new Set(others.map(identity))
  return keys.filter((key) => !known.has(identity(key)))
}

function identity({ of, constraint: { name, references, columns } }: Key): string {
  return canonical([of.namespace, of.name, name, columns, references?.namespace, references?.name])
}

function reliedOn(table: Table, gone: readonly Key[], made: readonly Key[]): Table {
  const pointing = made.filter(
    ({ constraint: { references } }) => references !== null && isSameName(references, table),
  )
  const standingOn = (index: Table['indexes'][number]) =>
    pointing.filter(({ constraint }) => isKey(index, otherColumns(constraint, table), table))
  return {
    ...table,
    indexes: table.indexes.map((index) => ({
      ...index,
      foreignKeys: [...less(index.foreignKeys, gone.map(shortly)), ...standingOn(index).map(shortly)],
    })),
    constraints: table.constraints.map((one) => {
      const index = table.indexes.find(({ constraint }) => constraint === one.name)
      const more = index === undefined ? [] : standingOn(index).map(inFull)
      return { ...one, dependents: [...less(one.dependents, gone.map(inFull)), ...more] }
    }),
  }
}

function less(names: readonly string[], gone: readonly string[]): readonly string[] {
  return names.filter((name) => !gone.includes(name))
}

/** Those of the primary key, where none are named. */
function otherColumns(constraint: Constraint, other: Table): readonly string[] {
  const rule = ruleOf(constraint)
  const named = rule?.kind === 'foreign_key' ? rule.otherColumns : []
  return named.length > 0
    ? named
    : (other.constraints.find(({ kind }) => kind === 'primary_key')?.columns ?? [])
}

/** As the server describes what depends on a constraint. */
function inFull({ of, constraint: { name } }: Key): string {
  return `constraint ${name} on table ${shown(of.namespace)}.${shown(of.name)}`
}

/** As the model has it of an index. */
function shortly({ of, constraint: { name } }: Key): string {
  return constraintOn(of, name)
}
