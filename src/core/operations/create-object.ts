import { dropSql, shownObject } from '../objects/database-object.ts'
import { objectAbsent, objectExists } from '../objects/object-catalog.ts'
import { inSearchPath } from '../plan/search-path.ts'
import { refused } from '../plan/table-checks.ts'
import { findTable } from '../schema/model.ts'
import { trusted } from '../sql.ts'
import { readStatements } from '../statements/statement.ts'
import { stepLocks } from '../statements/step-locks.ts'
import {
  type Defining,
  definitionNeeds,
  definitionOf,
  definitionProblems,
  foundObject,
  onTableProblems,
} from './object/definition.ts'
import { withTrigger } from './object/triggers.ts'
import type { OperationSpec } from './operation.ts'

/** Makes a view, a function, a procedure, a trigger, a policy, a type or a domain. */
export interface CreateObject extends Defining {
  readonly kind: 'create_object'
}

export const createObject: OperationSpec<CreateObject> = {
  needs: (op) => definitionNeeds(op, 'adds', 'adds'),

  check: (op, { schema, facts }) => {
    const problems = definitionProblems(op, facts)
    if (problems.length > 0) return problems
    const { object, orReplace } = definitionOf(op)
    if (orReplace)
      return [
        refused(
          'create_object says OR REPLACE: a rollback would not know what was there before.',
          'Leave OR REPLACE out, or use replace_object.',
        ),
      ]
    const isTaken = object.kind === 'view' && findTable(schema, object.name) !== undefined
    if (isTaken || foundObject(object, facts) !== undefined)
      return [refused(`There is a ${shownObject(object)} already.`, 'Use replace_object, or another name.')]
    return onTableProblems(object, schema)
  },

  apply: (op, schema) => {
    const { object, statement } = definitionOf(op)
    return withTrigger(schema, object, statement)
  },

  expand: (op, { schema }) => {
    const { object, statement } = definitionOf(op)
    return [
      {
        kind: 'ddl',
        phase: 'expand',
        does: `create the ${shownObject(object)}`,
        hazards: [],
        probe: objectExists(object),
        locks: stepLocks([statement], op.namespace, schema),
        requires: [],
        statements: inSearchPath(op.namespace, [trusted(`${op.definition.trim()}\n`)]),
        cost: 'instant',
        makes: shownObject(object),
      },
    ]
  },

  backfill: () => [],

  contract: () => [],

  rollback: (op, { schema }) => {
    const { object } = definitionOf(op)
    const drop = dropSql(object)
    const statements = readStatements(drop)
    return [
      {
        kind: 'ddl',
        phase: 'expand',
        does: `drop the ${shownObject(object)} again`,
        hazards: [],
        probe: objectAbsent(object),
        locks: 'problem' in statements ? [] : stepLocks(statements, op.namespace, schema),
        requires: [],
        statements: [drop],
        cost: 'instant',
        unmakes: shownObject(object),
      },
    ]
  },
}
