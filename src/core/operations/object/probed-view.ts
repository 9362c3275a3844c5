import { type DatabaseObject, shownObject } from '../../objects/database-object.ts'
import { isDefinedAs, objectAbsent } from '../../objects/object-catalog.ts'
import { namesFor } from '../../plan/names.ts'
import { all } from '../../plan/probes.ts'
import type { Requirement, StepDraft } from '../../plan/step.ts'
import {
  asksProbe,
  asLeftRequirement,
  callSql,
  dropProbeSql,
  installProbeSql,
  onlyHereRequirement,
  parallelReadersQuestion,
  probeAbsent,
  takeOutProbeSql,
  type ViewProbe,
} from '../../plan/view-probe.ts'
import { rewriteView } from '../../rewrite.ts'
import { qualified, type Sql, shown, sql } from '../../sql.ts'
import { readStatements } from '../../statements/statement.ts'
import { stepLocks } from '../../statements/step-locks.ts'
import type { Context } from '../operation.ts'
import { foundObject } from './definition.ts'
import { keepsColumnsSql } from './view-columns.ts'

const UNLOGGED_SEQUENCES = 150_000

/** The probe of a view that is to be dropped; or why there is none. Nothing of what is no view. */
export function probeFor(
  object: DatabaseObject,
  { facts, seed }: Context,
): ViewProbe | { readonly problem: string } | undefined {
  const { kind, name } = object
  if (kind !== 'view') return undefined
  const readers = facts.answers[parallelReadersQuestion(object)]
  if (readers === undefined || 'problem' in readers)
    return { problem: 'who reads it in parallel is not known' }
  const [reader] = readers
  if (reader !== undefined)
    return { problem: `the function ${String(reader.name)} may read it, and is said to be safe in parallel` }
  const { uses } = namesFor(seed, name.name, [])
  const original = foundObject(object, facts)?.definition
  const probed = original === undefined ? undefined : rewriteView(original, callSql(uses))
  // To replace a view takes the right to make one.
  if (facts.closedNamespaces.includes(name.namespace))
    return { problem: `the connected role may make nothing in ${shown(name.namespace)}` }
  if (original === undefined || probed === undefined)
    return { problem: 'its definition cannot be written anew faithfully' }
  const keepsOut = facts.serverVersion >= UNLOGGED_SEQUENCES
  return { view: object, counter: uses, original, probed, keepsOut }
}

export function installProbeStep(probe: ViewProbe, { schema }: Context): StepDraft {
  const { view, counter, original } = probe
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `count who uses the ${shownObject(view)}`,
    hazards: [
      {
        code: 'slower_queries',
        because:
          'Until it is dropped PostgreSQL runs no query of it in parallel, because its use is counted. INSERT, and what runs in a transaction that only reads, is not counted.',
      },
    ],
    probe: asksProbe(view.name, counter),
    locks: locksOf(probe, schema),
    requires: [
      {
        that: isDefinedAs(view, original),
        code: 'drift_found',
        otherwise: `the ${shownObject(view)} was changed since the plan was made`,
      },
    ],
    statements: [...installProbeSql(probe), ...keepsColumnsSql(view, schema)],
    cost: 'instant',
  }
}

export function takeOutProbeStep(probe: ViewProbe, { schema }: Context): StepDraft {
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `count no more who uses the ${shownObject(probe.view)}`,
    hazards: [],
    probe: probeAbsent(probe.counter),
    locks: locksOf(probe, schema),
    requires: [asLeftRequirement(probe), onlyHereRequirement(probe)],
    statements: takeOutProbeSql(probe),
    cost: 'instant',
  }
}

/** What the step that drops the view does besides. Somebody may have dropped it by hand. */
export function withoutProbe(probe: ViewProbe): {
  readonly probe: Sql
  readonly requires: readonly Requirement[]
  readonly statements: readonly Sql[]
} {
  const { view, counter } = probe
  return {
    probe: all([objectAbsent(view), probeAbsent(counter)]),
    requires: [onlyHereRequirement(probe)],
    statements: [sql`drop view if exists ${qualified(view.name)} restrict`, ...dropProbeSql(counter)],
  }
}

function locksOf({ probed, view }: ViewProbe, schema: Context['schema']) {
  const statements = readStatements(probed)
  return 'problem' in statements ? [] : stepLocks(statements, view.name.namespace, schema)
}
