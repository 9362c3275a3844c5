import { assert, BellowsError } from '../../errors.ts'
import { byteLength, IDENTIFIER_BYTES_MAX } from '../../identifier.ts'
import type { DatabaseObject } from '../../objects/database-object.ts'
import { labelsQuestion } from '../../objects/enum-catalog.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import type { ObjectTouch, OperationNeeds } from '../needs.ts'
import { foundProblems, questionsOn } from '../object/definition.ts'

/** A type that an operation names. */
export interface OfType {
  readonly namespace: string
  readonly type: string
}

export function theType(op: OfType): QualifiedName {
  return { namespace: op.namespace, name: op.type }
}

function theObject(op: OfType): DatabaseObject {
  return { kind: 'type', name: theType(op) }
}

/** @param values what the operation does with values of the type */
export function enumNeeds(
  op: OfType,
  values: readonly { readonly value: string | undefined; readonly how: ObjectTouch['how'] }[],
): OperationNeeds {
  return {
    tables: [],
    questions: [...questionsOn(theObject(op)), labelsQuestion(theType(op))],
    touches: values.flatMap(({ value, how }) =>
      value === undefined ? [] : [{ object: `value '${value}' of ${shownType(op)}`, how }],
    ),
  }
}

/** Problems of the type, and of a new value for it. */
export function enumProblems(op: OfType, value: string, facts: Facts): readonly BellowsError[] {
  const problems = foundProblems(theObject(op), facts)
  if (problems.length > 0) return problems
  const known = labelsOf(op, facts)
  if (known === undefined) return [refused(`The type ${shownType(op)} is not an enum.`)]
  if (value === '' || byteLength(value) > IDENTIFIER_BYTES_MAX)
    return [
      new BellowsError(
        'name_invalid',
        `The value "${value}" must have at least one byte, and at most ${IDENTIFIER_BYTES_MAX}.`,
      ),
    ]
  return []
}

export function takenValue(op: OfType, value: string, facts: Facts): readonly BellowsError[] {
  return labelsOf(op, facts)?.includes(value) === true
    ? [refused(`${shownType(op)} has a value '${value}' already.`)]
    : []
}

export function shownType({ namespace, type }: OfType): string {
  return `${shown(namespace)}.${shown(type)}`
}

export function missingValue(op: OfType, value: string | undefined, facts: Facts): readonly BellowsError[] {
  const known = labelsOf(op, facts)
  if (value === undefined || known === undefined || known.includes(value)) return []
  return [
    refused(`"${op.type}" has no value '${value}'.`, `It has ${known.map((one) => `'${one}'`).join(', ')}.`),
  ]
}

/** Nothing of a type that is no enum. */
export function labelsOf(op: OfType, facts: Facts): readonly string[] | undefined {
  const answer = facts.answers[labelsQuestion(theType(op))]
  assert(answer !== undefined, 'what an operation asks is answered')
  return 'problem' in answer || answer.length === 0
    ? undefined
    : answer.flatMap(({ label }) => (typeof label === 'string' ? [label] : []))
}
