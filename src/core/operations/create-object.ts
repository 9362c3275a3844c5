import { type DatabaseObject, dropSql, type ObjectKind, shownObject } from '../objects/database-object.ts'
import { hasNoObjectDependents, objectAbsent, objectExists } from '../objects/object-catalog.ts'
import type { Tree } from '../parse.ts'
import type { Hazard } from '../plan/hazard.ts'
import { inSearchPath } from '../plan/search-path.ts'
import { shadowHazards, shadowQuestion } from '../plan/shadowed.ts'
import { refused } from '../plan/table-checks.ts'
import { findTable } from '../schema/model.ts'
import { type Sql, trusted } from '../sql.ts'
import { readStatements } from '../statements/statement.ts'
import { stepLocks } from '../statements/step-locks.ts'
import {
  type Defining,
  definitionNeeds,
  definitionOf,
  definitionProblems,
  foundObject,
  onTableProblems,
  readDefinition,
  triedProblems,
} from './object/definition.ts'
import { firesForAll, withTrigger } from './object/triggers.ts'
import type { Context, OperationSpec } from './operation.ts'

/** Makes a view, a function, a procedure, a trigger, a policy, a type or a domain. */
export interface CreateObject extends Defining {
  readonly kind: 'create_object'
}

export const createObject: OperationSpec<CreateObject> = {
  needs: (op) => {
    const read = readDefinition(op)
    const isAsked = !('problem' in read) && ASKED.has(read.object.kind)
    const needs = definitionNeeds(op, 'adds', 'adds')
    const shadows =
      !('problem' in read) && read.object.kind === 'view' ? [shadowQuestion(read.object.name)] : []
    return {
      ...needs,
      ...(shadows.length === 0 ? {} : { questions: [...(needs.questions ?? []), ...shadows] }),
      ...(isAsked ? { objects: [madeBy(op)] } : {}),
    }
  },

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
    const onTable = onTableProblems(object, schema)
    return onTable.length > 0 ? onTable : triedProblems(op, facts)
  },

  apply: (op, schema) => {
    const { object, statement } = definitionOf(op)
    return withTrigger(schema, object, statement)
  },

  expand: (op, { schema, facts }) => {
    const { object, statement } = definitionOf(op)
    return [
      {
        kind: 'ddl',
        phase: 'expand',
        does: `create the ${shownObject(object)}`,
        hazards: hazardsOf(object, statement, { schema, facts }),
        probe: objectExists(object),
        locks: stepLocks([statement], op.namespace, schema),
        requires: [],
        statements: madeBy(op),
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
        requires: [
          {
            that: hasNoObjectDependents(object),
            code: 'dependents_found',
            otherwise: `something was built on the ${shownObject(object)}; change or drop that first`,
          },
        ],
        statements: [drop],
        cost: 'instant',
        unmakes: shownObject(object),
        // Of the rest nobody can declare that he uses it.
        ...(object.kind === 'view' ? { retires: { table: object.name } } : {}),
      },
    ]
  },
}

/** What an expression or a column can name. */
const ASKED: ReadonlySet<ObjectKind> = new Set(['type', 'domain', 'function'])

function madeBy({ namespace, definition }: CreateObject): readonly Sql[] {
  return inSearchPath(namespace, [trusted(`${definition.trim()}\n`)])
}

/** What fires, or hides rows, does so for instances of both versions. */
function hazardsOf(
  object: DatabaseObject,
  statement: Tree.Node,
  { schema, facts }: Pick<Context, 'schema' | 'facts'>,
): readonly Hazard[] {
  if (object.kind === 'view') return shadowHazards(object.name, facts)
  if (object.kind === 'trigger') return [firesForAll(shownObject(object))]
  const isRestrictive =
    'CreatePolicyStmt' in statement &&
    statement.CreatePolicyStmt.permissive !== true &&
    object.on !== undefined
  if (!isRestrictive || findTable(schema, object.on)?.rowSecurity !== true) return []
  return [
    {
      code: 'may_break',
      because: `From this step on instances of both versions no longer see, and cannot write, rows that the restrictive ${shownObject(object)} does not let through.`,
    },
  ]
}
