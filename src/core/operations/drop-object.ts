import { assert, BellowsError } from '../errors.ts'
import { type DatabaseObject, dropSql, namedObject, shownObject } from '../objects/database-object.ts'
import { dependentsOf, hasNoObjectDependents, objectAbsent } from '../objects/object-catalog.ts'
import { behindGate } from '../plan/behind-gate.ts'
import { type Leaver, ofEverybody, ofTable } from '../plan/leaver.ts'
import { readStatements } from '../statements/statement.ts'
import { stepLocks } from '../statements/step-locks.ts'
import { foundObject, foundProblems, objectNeeds, unknownTypeProblems } from './object/definition.ts'
import { notLastPolicy, policyQuestions } from './object/policies.ts'
import { withoutTrigger } from './object/triggers.ts'
import type { OperationSpec } from './operation.ts'

/** Drops a view, a function, a procedure, a trigger, a policy, a type or a domain, when the contract comes to its purge. */
export interface DropObject {
  readonly kind: 'drop_object'
  /** Where names without a namespace are. */
  readonly namespace: string
  /** As DROP names it, such as `function area(integer)` or `trigger note on users`. */
  readonly object: string
}

export const dropObject: OperationSpec<DropObject> = {
  needs: (op) => {
    const object = namedObject(op.object, op.namespace)
    if ('problem' in object) return { tables: [], touches: [] }
    const needs = objectNeeds(object, 'replaces', 'replaces')
    return { ...needs, questions: [...(needs.questions ?? []), ...policyQuestions(object)] }
  },

  check: (op, { facts }) => {
    const object = namedObject(op.object, op.namespace)
    if ('problem' in object)
      return [
        new BellowsError(
          'migration_invalid',
          `The object "${op.object}" cannot be used: ${object.problem}.`,
          {
            hint: 'Write it as DROP does: view names, function area(integer), trigger note on users.',
          },
        ),
      ]
    const unknown = unknownTypeProblems(object, facts)
    return unknown.length > 0 ? unknown : foundProblems(object, facts)
  },

  apply: (op, schema) => withoutTrigger(schema, objectOf(op)),

  expand: () => [],

  backfill: () => [],

  contract: (op, { schema, facts }) => {
    const object = objectOf(op)
    const drop = dropSql(object)
    const statements = readStatements(drop)
    return behindGate(leaverOf(object), {
      kind: 'purge',
      phase: 'purge',
      does: `drop the ${shownObject(object)}`,
      hazards: (foundObject(object, facts)?.dependents ?? []).map((name) => ({
        code: 'blocks_contract' as const,
        because: `The ${name} depends on it. Change or drop it before the contract, which never cascades.`,
      })),
      probe: objectAbsent(object),
      locks: 'problem' in statements ? [] : stepLocks(statements, op.namespace, schema),
      requires: [
        {
          that: hasNoObjectDependents(object),
          code: 'dependents_found',
          otherwise: `something depends on the ${shownObject(object)}; change or drop it first`,
        },
        ...notLastPolicy(object),
      ],
      statements: [drop],
      cost: 'instant',
    })
  },

  rollback: () => [],
}

function objectOf(op: DropObject): DatabaseObject {
  const object = namedObject(op.object, op.namespace)
  assert(!('problem' in object), 'steps come after check')
  return object
}

/** Nobody names a trigger or a policy: whoever works on its table may need what it does. */
function leaverOf(object: DatabaseObject): Leaver {
  const { kind, name, on } = object
  const called = `the ${shownObject(object)}`
  switch (kind) {
    case 'view':
      return { table: name, thing: { called, reach: 'relation', shows: [{ by: 'relation', name }] } }
    case 'function':
    case 'procedure':
      return ofEverybody(called, { dependents: dependentsOf(object), shows: [{ by: 'routine', name }] })
    case 'type':
    case 'domain':
      return ofEverybody(called, { dependents: dependentsOf(object), shows: [{ by: 'type', name }] })
    case 'trigger':
    case 'policy':
      assert(on !== undefined, 'it is on a table')
      return ofTable(on, called)
  }
}
