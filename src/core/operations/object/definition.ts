import { assert, BellowsError } from '../../errors.ts'
import { type DatabaseObject, madeObject, shownObject } from '../../objects/database-object.ts'
import { objectQuestion, unknownTypesQuestion } from '../../objects/object-catalog.ts'
import type { Tree } from '../../parse.ts'
import { notOwned, refused } from '../../plan/table-checks.ts'
import { definitionKey } from '../../schema/definitions.ts'
import type { Facts } from '../../schema/facts.ts'
import { findTable, type QualifiedName, type Schema } from '../../schema/model.ts'
import { type Sql, shown } from '../../sql.ts'
import { forbidden } from '../../statements/lint.ts'
import { readStatements } from '../../statements/statement.ts'
import type { ObjectTouch, OperationNeeds, TableTouch } from '../needs.ts'
import type { Reasoned } from '../reasoned.ts'

/** What an operation says that makes an object, or makes it anew. */
export interface Defining extends Reasoned {
  /** Where names without a namespace are. */
  readonly namespace: string
  /** One CREATE statement. */
  readonly definition: string
}

interface Definition {
  readonly statement: Tree.Node
  readonly object: DatabaseObject
  readonly orReplace: boolean
}

export function readDefinition({
  definition,
  namespace,
}: Defining): Definition | { readonly problem: string } {
  const statements = readStatements(definition)
  if ('problem' in statements) return statements
  const [statement, ...more] = statements
  const object = statement === undefined ? undefined : madeObject(statement, namespace)
  if (statement === undefined || object === undefined || more.length > 0)
    return { problem: 'it is not one CREATE of a view, function, procedure, trigger, policy, type or domain' }
  return {
    statement,
    object,
    orReplace: Object.values(statement).some((body: object) => 'replace' in body && body.replace === true),
  }
}

/** What it is about; nothing where the text cannot be read. */
export function objectOf(op: Defining): DatabaseObject | undefined {
  const read = readDefinition(op)
  return 'problem' in read ? undefined : read.object
}

/** All of an operation that was checked. */
export function definitionOf(op: Defining): Definition {
  const read = readDefinition(op)
  assert(!('problem' in read), 'steps come after check')
  return read
}

/** Problems of the text itself. */
export function definitionProblems(op: Defining, facts: Facts): readonly BellowsError[] {
  const read = readDefinition(op)
  if ('problem' in read)
    return [new BellowsError('migration_invalid', `The definition cannot be used: ${read.problem}.`)]
  const { statement, object } = read
  const setting = {
    statements: [statement],
    namespace: op.namespace,
    part: 'expand',
    outside: false,
  } as const
  return [
    ...forbidden(setting).map(({ rule }) =>
      refused(`The definition ${rule.what}, but ${rule.why}.`, rule.instead),
    ),
    ...unknownTypeProblems(object, facts),
  ]
}

/** Why the server does not take the definition, where it was asked. */
export function triedProblems(op: Defining, { definitions }: Facts): readonly BellowsError[] {
  const known = definitions[definitionKey(op)]
  if (known === undefined || !('problem' in known)) return []
  return [new BellowsError('migration_invalid', `The definition cannot be used: ${known.problem}`)]
}

/** Names of types are looked up without a search_path, so that they mean one type only. */
export function unknownTypeProblems(object: DatabaseObject, facts: Facts): readonly BellowsError[] {
  const question = unknownTypesQuestion(object)
  const answer = question === undefined ? [] : facts.answers[question]
  assert(answer !== undefined, 'what an operation asks is answered')
  if ('problem' in answer)
    return [new BellowsError('migration_invalid', `The arguments cannot be used: ${answer.problem}`)]
  return answer.map(
    ({ name }) =>
      new BellowsError('migration_invalid', `The type "${String(name)}" of an argument is not known.`, {
        hint: 'Write it with its namespace, such as public.mood.',
      }),
  )
}

/** What the server knows of an object. */
export interface Found {
  /** What would make it again as it is. */
  readonly definition: string
  readonly owned: boolean
  readonly dependents: readonly string[]
}

export function questionsOn(object: DatabaseObject): readonly Sql[] {
  const types = unknownTypesQuestion(object)
  return [objectQuestion(object), ...(types === undefined ? [] : [types])]
}

export function foundObject(object: DatabaseObject, facts: Facts): Found | undefined {
  const answer = facts.answers[objectQuestion(object)]
  assert(answer !== undefined, 'what an operation asks is answered')
  return 'problem' in answer ? undefined : (answer[0] as unknown as Found | undefined)
}

/** Problems of an object that must be there, and be of the role that is connected. */
export function foundProblems(object: DatabaseObject, facts: Facts): readonly BellowsError[] {
  const found = foundObject(object, facts)
  if (found === undefined)
    return [
      refused(
        `There is no ${shownObject(object)}.`,
        'Check the spelling, the namespace and the types of the arguments; what is not there yet is made by create_object.',
      ),
    ]
  if (found.owned) return []
  const what = shownObject(object)
  const { on } = object
  return [notOwned(what, on === undefined ? what : `table ${shown(on.namespace)}.${shown(on.name)}`)]
}

/** The relation that must be known to plan the object: a view itself, or the table of a trigger or a policy. */
export function relationOf({ kind, name, on }: DatabaseObject): QualifiedName | undefined {
  return kind === 'view' ? name : on
}

export function onTableProblems({ on }: DatabaseObject, schema: Schema): readonly BellowsError[] {
  if (on === undefined || findTable(schema, on) !== undefined) return []
  return [new BellowsError('table_not_found', `There is no table ${shown(on.namespace)}.${shown(on.name)}.`)]
}

/**
 * @param how what the operation does with the object
 * @param ofView the same for a view, which has columns that others may name
 */
export function definitionNeeds(
  op: Defining,
  how: ObjectTouch['how'],
  ofView: TableTouch['how'],
): OperationNeeds {
  const read = readDefinition(op)
  return 'problem' in read ? { tables: [], touches: [] } : objectNeeds(read.object, how, ofView)
}

export function objectNeeds(
  object: DatabaseObject,
  how: ObjectTouch['how'],
  ofView: TableTouch['how'],
): OperationNeeds {
  const table = relationOf(object)
  return {
    tables: table === undefined ? [] : [{ ...table, columns: [] }],
    questions: questionsOn(object),
    touches: [
      { object: shownObject(object), how },
      ...(table === undefined ? [] : [{ table, how: object.kind === 'view' ? ofView : 'uses' } as const]),
    ],
  }
}
