import type { BellowsError } from '../errors.ts'
import { namedObject, shownObject } from '../objects/database-object.ts'
import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import { foundObject } from '../operations/object/definition.ts'
import type { Facts } from '../schema/facts.ts'
import { findTable, type QualifiedName, type Schema } from '../schema/model.ts'
import { shown } from '../sql.ts'
import { refused } from './table-checks.ts'

/**
 * Objects are dropped in the order in which the migration says so, at a time from which there is no way back: one that something
 * needs which goes only behind it, or which the migration itself makes, would stop the contract half way.
 */
export function dropOrderProblems({ operations }: Migration, facts: Facts): readonly BellowsError[] {
  if (!operations.some(({ kind }) => kind === 'drop_object')) return []
  const needs = operations.map((op) => specOf(op).needs(op))
  return operations.flatMap((op, at) => {
    const object = op.kind === 'drop_object' ? namedObject(op.object, op.namespace) : undefined
    if (object === undefined || 'problem' in object) return []
    const { dependents = [] } = foundObject(object, facts) ?? {}
    const later = dependents.length === 0 ? [] : needs.slice(at + 1).flatMap(({ touches }) => touches)
    const first = dependents.find((name) => later.some((touch) => takesAway(touch, name)))
    const isType = object.kind === 'type' || object.kind === 'domain'
    const user = isType ? operations.find((_, of) => usesType(needs[of]?.types, object.name)) : undefined
    return [
      ...(first === undefined
        ? []
        : [
            refused(
              `The ${shownObject(object)} cannot be dropped before the ${first}, which needs it.`,
              'Put the operation that takes that away before this one.',
            ),
          ]),
      ...(user === undefined
        ? []
        : [
            refused(
              `The ${shownObject(object)} cannot be dropped: the operation ${user.kind} of the same migration uses it.`,
              'Leave one of the two operations out.',
            ),
          ]),
    ]
  })
}

const COMPUTED = 'generated column'

/** What a generated column is computed from must be there until that has gone for good, and all columns of a migration leave together. */
export function computedProblems({ operations }: Migration, start: Schema): readonly BellowsError[] {
  if (!start.tables.some(({ dependents }) => dependents.some(({ kind }) => kind === COMPUTED))) return []
  const touches = operations.map((op) => specOf(op).needs(op).touches)
  return touches.flatMap((own, at) =>
    own.flatMap((touch) => {
      if ('object' in touch || touch.how !== 'replaces' || touch.column === undefined) return []
      const { column, table } = touch
      const computed = findTable(start, table)?.dependents.find(
        (one) =>
          one.kind === COMPUTED &&
          one.column === column &&
          touches.some(
            (of, other) => other !== at && of.some((also) => takesAway(also, `${COMPUTED} ${one.name}`)),
          ),
      )
      if (computed === undefined) return []
      return [
        refused(
          `"${column}" of "${table.name}" cannot leave in the same migration as the generated column ${computed.name}, which is computed from it.`,
          'Let that leave in a migration of its own before this one, up to its purge.',
        ),
      ]
    }),
  )
}

/** Is a dependent, as the server calls it, gone when what is touched has gone? */
export function takesAway(touch: Touch, dependent: string): boolean {
  if (touch.how !== 'replaces') return false
  if ('object' in touch) return withoutArguments(touch.object) === withoutArguments(dependent)
  const table = `${shown(touch.table.namespace)}.${shown(touch.table.name)}`
  if (touch.constraint !== undefined) return dependent.endsWith(` ${shown(touch.constraint)} on ${table}`)
  if (touch.column !== undefined) return dependent.endsWith(` ${table}.${shown(touch.column)}`)
  return dependent.endsWith(` ${table}`) || dependent.includes(` ${table}.`)
}

/** They may be written in more than one way. */
function withoutArguments(name: string): string {
  return name.replace(/\(.*$/, '')
}

function usesType(types: readonly string[] = [], { namespace, name }: QualifiedName): boolean {
  const names = [shown(name), `${shown(namespace)}.${shown(name)}`]
  return types.some((type) => names.includes(type.replace(/(\[\])+$/, '').trim()))
}
