import { assert, BellowsError } from '../errors.ts'
import { type DatabaseObject, dropSql, namedObject, shownObject } from '../objects/database-object.ts'
import { dependentsOf, hasNoObjectDependents, objectAbsent } from '../objects/object-catalog.ts'
import { gateOf } from '../plan/behind-gate.ts'
import type { Hazard } from '../plan/hazard.ts'
import { type Leaver, ofEverybody, ofTable } from '../plan/leaver.ts'
import type { StepDraft } from '../plan/step.ts'
import { NOT_IN_LOG } from '../plan/thing.ts'
import type { ViewProbe } from '../plan/view-probe.ts'
import { foreignTablesQuestion, parallelReadersQuestion } from '../plan/view-questions.ts'
import { readStatements } from '../statements/statement.ts'
import { stepLocks } from '../statements/step-locks.ts'
import { foundObject, foundProblems, objectNeeds, unknownTypeProblems } from './object/definition.ts'
import { notLastPolicy, policyQuestions } from './object/policies.ts'
import { installProbeStep, probeFor, takeOutProbeStep, withoutProbe } from './object/probed-view.ts'
import { withoutTrigger } from './object/triggers.ts'
import type { Context, OperationSpec } from './operation.ts'
import type { Reasoned } from './reasoned.ts'

/** Drops a view, a function, a procedure, a trigger, a policy, a type or a domain, when the contract comes to its purge. */
export interface DropObject extends Reasoned {
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
    const questions = [...(needs.questions ?? []), ...policyQuestions(object)]
    if (object.kind !== 'view') return { ...needs, questions }
    const aboutProbe = [parallelReadersQuestion(object), foreignTablesQuestion(object)]
    return { ...needs, questions: [...questions, ...aboutProbe], views: [object.name] }
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

  expand: (op, context) => {
    const probe = probeOf(op, context)
    return probe === undefined ? [] : [installProbeStep(probe, context)]
  },

  backfill: () => [],

  contract: (op, context) => {
    const object = objectOf(op)
    const probe = probeOf(op, context)
    const leaver = leaverOf(object)
    const gate = gateOf(
      { ...leaver, ...(probe === undefined ? {} : { counter: probe.counter }) },
      objectAbsent(object),
    )
    return [gate, { ...dropStep(op, context, probe), retires: leaver }]
  },

  rollback: (op, context) => {
    const probe = probeOf(op, context)
    return probe === undefined ? [] : [takeOutProbeStep(probe, context)]
  },
}

function dropStep(op: DropObject, context: Context, probe: ViewProbe | undefined): StepDraft {
  const object = objectOf(op)
  const drop = dropSql(object)
  const statements = readStatements(drop)
  const more = probe === undefined ? undefined : withoutProbe(probe)
  return {
    kind: 'purge',
    phase: 'purge',
    does: `drop the ${shownObject(object)}`,
    hazards: dropHazards(object, context),
    probe: more?.probe ?? objectAbsent(object),
    locks: 'problem' in statements ? [] : stepLocks(statements, op.namespace, context.schema),
    requires: [
      {
        that: hasNoObjectDependents(object),
        code: 'dependents_found',
        otherwise: `something depends on the ${shownObject(object)}; change or drop it first`,
      },
      ...notLastPolicy(object),
      ...(more?.requires ?? []),
    ],
    statements: more?.statements ?? [drop],
    cost: 'instant',
  }
}

function dropHazards(object: DatabaseObject, context: Context): readonly Hazard[] {
  const { dependents = [] } = foundObject(object, context.facts) ?? {}
  const probe = probeFor(object, context)
  return [
    ...dependents.map((name) => ({
      code: 'blocks_contract' as const,
      because: `The ${name} depends on it. Change or drop it before the contract, which never cascades.`,
    })),
    ...(probe !== undefined && 'problem' in probe
      ? [
          {
            code: 'may_break' as const,
            because: `Nothing counts who uses it: ${probe.problem}. Only statements tell, where pg_stat_statements keeps them.`,
          },
        ]
      : []),
  ]
}

/** Of a view that can have one. */
function probeOf(op: DropObject, context: Context): ViewProbe | undefined {
  const probe = probeFor(objectOf(op), context)
  return probe === undefined || 'problem' in probe ? undefined : probe
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
      return {
        table: name,
        thing: { called, reach: 'relation', shows: [{ by: 'relation', name }], ...NOT_IN_LOG },
      }
    case 'function':
    case 'procedure':
      return ofEverybody(called, { dependents: dependentsOf(object), shows: [{ by: 'routine', name }] })
    case 'type':
    case 'domain':
      return ofEverybody(called, { dependents: dependentsOf(object), shows: [{ by: 'type', name }] })
    case 'trigger':
    case 'policy':
      assert(on !== undefined, 'it is on a table')
      return ofTable(on, called, NOT_IN_LOG)
  }
}
