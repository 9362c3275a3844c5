import { assert, type BellowsError } from '../errors.ts'
import { type DatabaseObject, dropSql, shownObject } from '../objects/database-object.ts'
import {
  isAsBefore,
  isAsRemembered,
  printedObject,
  rememberMade,
  rememberReplaced,
} from '../objects/left-object.ts'
import { isDefinedAs, isDefinedElse } from '../objects/object-catalog.ts'
import { inSearchPath } from '../plan/search-path.ts'
import { refused } from '../plan/table-checks.ts'
import { type Sql, sql, trusted } from '../sql.ts'
import { readStatements, type Statements } from '../statements/statement.ts'
import { stepLocks } from '../statements/step-locks.ts'
import {
  type Defining,
  definitionNeeds,
  definitionOf,
  definitionProblems,
  foundObject,
  foundProblems,
  objectOf,
  triedProblems,
} from './object/definition.ts'
import { definedPolicy, notLastPolicy, policyQuestions } from './object/policies.ts'
import { withTrigger } from './object/triggers.ts'
import { keepsColumnsSql, viewProblems } from './object/view-columns.ts'
import type { Context, OperationSpec } from './operation.ts'

/** Gives a view, a function, a procedure, a trigger or a policy another definition. */
export interface ReplaceObject extends Defining {
  readonly kind: 'replace_object'
}

export const replaceObject: OperationSpec<ReplaceObject> = {
  needs: (op) => {
    const needs = definitionNeeds(op, 'replaces', 'alters')
    return { ...needs, questions: [...(needs.questions ?? []), ...policyQuestions(objectOf(op))] }
  },

  check: (op, { schema, facts }) => {
    const problems = definitionProblems(op, facts)
    if (problems.length > 0) return problems
    const { object, statement } = definitionOf(op)
    const kind = [...kindProblems(op), ...foundProblems(object, facts)]
    if (kind.length > 0) return kind
    const columns = viewProblems(object, statement, { schema, facts }, op)
    return columns.length > 0 ? columns : triedProblems(op, facts)
  },

  apply: (op, schema) => {
    const { object, statement } = definitionOf(op)
    return withTrigger(schema, object, statement)
  },

  expand: () => [],

  backfill: () => [],

  /** Behind the proof of all columns: a definition that reads a new column would give what is not filled yet. */
  contract: (op, context) => {
    const { object } = definitionOf(op)
    const old = oldDefinition(object, context)
    const back = replacing(op, context, again(object, old))
    const replace = replacing(op, context, [trusted(`${op.definition.trim()}\n`)])
    return [
      {
        ...replace,
        // What a rollback would do comes first: it is to be known what that makes, and that it can be done.
        statements: [
          ...back.statements,
          rememberMade(printedObject(object)),
          ...replace.statements,
          rememberReplaced(printedObject(object)),
        ],
        requires: [
          {
            that: isDefinedAs(object, old),
            code: 'drift_found',
            otherwise: `somebody else has replaced the ${shownObject(object)} since the plan was made`,
          },
          ...notLastPolicy(definedPolicy(op, 'restrictive')),
        ],
        phase: 'verify',
        does: `replace the ${shownObject(object)}`,
        hazards: [
          {
            code: 'may_break',
            because: 'Instances of both versions get the new definition from this step on.',
          },
        ],
        probe: isDefinedElse(object, old),
        makes: shownObject(object),
      },
    ]
  },

  rollback: (op, context) => {
    const { object } = definitionOf(op)
    const old = oldDefinition(object, context)
    const replace = replacing(op, context, again(object, old))
    return [
      {
        ...replace,
        statements: [...replace.statements, rememberMade(printedObject(object))],
        requires: [
          {
            that: isAsRemembered(printedObject(object)),
            code: 'drift_found',
            otherwise: `somebody else has replaced the ${shownObject(object)} since this migration did, and nothing of that was overwritten. Give it the definition from before the migration, and roll back again`,
          },
        ],
        phase: 'expand',
        does: `give the ${shownObject(object)} its old definition back`,
        hazards: [],
        probe: sql`(${isDefinedAs(object, old)} or ${isAsBefore(printedObject(object))})`,
        unmakes: shownObject(object),
      },
    ]
  },
}

/** What has no OR REPLACE, or not for every form of it, is dropped and made anew in the same transaction. */
function isDropped({ kind }: DatabaseObject): boolean {
  return kind === 'trigger' || kind === 'policy'
}

/** As it was: the body of a routine is not held to what there is now. */
function again({ kind }: DatabaseObject, definition: string): readonly Sql[] {
  if (kind !== 'function' && kind !== 'procedure') return [trusted(definition)]
  return [
    sql`set local check_function_bodies = off`,
    trusted(definition),
    sql`set local check_function_bodies to default`,
  ]
}

function replacing(op: ReplaceObject, { schema }: Context, definition: readonly Sql[]) {
  const { object, statement } = definitionOf(op)
  const dropped = isDropped(object) ? [dropSql(object)] : []
  const statements: Statements = [...dropped.flatMap(statementsOf), statement]
  return {
    kind: 'ddl' as const,
    locks: stepLocks(statements, op.namespace, schema),
    statements: [
      ...inSearchPath(op.namespace, [...dropped, ...definition]),
      ...keepsColumnsSql(object, schema),
    ],
    cost: 'instant' as const,
  }
}

function statementsOf(text: Sql): Statements {
  const read = readStatements(text)
  return 'problem' in read ? [] : read
}

function oldDefinition(object: DatabaseObject, { facts }: Context): string {
  const found = foundObject(object, facts)
  assert(found !== undefined, 'steps come after check')
  return found.definition
}

function kindProblems(op: ReplaceObject): readonly BellowsError[] {
  const { object, orReplace } = definitionOf(op)
  if (object.kind === 'type' || object.kind === 'domain')
    return [
      refused(
        `A ${object.kind} cannot be replaced.`,
        'Make a new one, and give the columns that type; a value of an enum is added by add_enum_value.',
      ),
    ]
  if (isDropped(object) || orReplace) return []
  return [
    refused(
      `The definition of the ${shownObject(object)} does not say OR REPLACE.`,
      'Write CREATE OR REPLACE.',
    ),
  ]
}
