import { BellowsError } from '../errors.ts'
import { namedObject, shownObject } from '../objects/database-object.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import { foundObject } from '../operations/object/definition.ts'
import type { Facts } from '../schema/facts.ts'
import { shown } from '../sql.ts'

/**
 * Objects are dropped in the order in which the migration says so, at a time from which there is no way back: one that something
 * needs which goes only behind it, or which the migration itself makes, would stop the contract half way.
 */
export function dropOrderProblems({ operations }: Migration, facts: Facts): readonly BellowsError[] {
  return operations.flatMap((op, at) => {
    const object = op.kind === 'drop_object' ? namedObject(op.object, op.namespace) : undefined
    if (object === undefined || 'problem' in object) return []
    const { dependents = [] } = foundObject(object, facts) ?? {}
    const later = operations.slice(at + 1).flatMap((one) => specOf(one).needs(one).touches)
    const first = dependents.find((name) => later.some((touch) => takesAway(touch, name)))
    const isType = object.kind === 'type' || object.kind === 'domain'
    const user = isType ? operations.find((one) => usesType(one, object.name)) : undefined
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

function refused(message: string, hint: string): BellowsError {
  return new BellowsError('plan_refused', message, { hint })
}

/** Is a dependent, as the server calls it, gone when what is touched has gone? */
function takesAway(touch: Touch, dependent: string): boolean {
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

function usesType(op: Operation, name: { readonly namespace: string; readonly name: string }): boolean {
  const names = [shown(name.name), `${shown(name.namespace)}.${shown(name.name)}`]
  return (specOf(op).needs(op).types ?? []).some((type) =>
    names.includes(type.replace(/(\[\])+$/, '').trim()),
  )
}
