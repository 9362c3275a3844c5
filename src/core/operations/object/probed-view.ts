import { type DatabaseObject, shownObject } from '../../objects/database-object.ts'
import { isDefinedAs, objectAbsent } from '../../objects/object-catalog.ts'
import { nobodyCameAgainSql } from '../../plan/counter.ts'
import type { Hazard } from '../../plan/hazard.ts'
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
  probeAbsent,
  takeOutProbeSql,
  type ViewProbe,
} from '../../plan/view-probe.ts'
import { foreignTablesQuestion, parallelReadersQuestion } from '../../plan/view-questions.ts'
import { rewriteView } from '../../rewrite.ts'
import { type Facts, nameKey } from '../../schema/facts.ts'
import { qualified, type Sql, shown, sql } from '../../sql.ts'
import { readStatements } from '../../statements/statement.ts'
import { stepLocks } from '../../statements/step-locks.ts'
import type { Context } from '../operation.ts'
import { foundObject } from './definition.ts'
import { keepsColumnsSql } from './view-columns.ts'

const UNLOGGED_SEQUENCES = 150_000

const LOGGED: Hazard = {
  code: 'slower_queries',
  because:
    'Before PostgreSQL 15 every 32nd use is written to the log of the server: the commit of whoever only reads waits for the disk then, and for a standby where commits wait for one.',
}

/** The probe of a view that is to be dropped; or why there is none. Nothing of what is no view. */
export function probeFor(
  object: DatabaseObject,
  { facts, seed }: Context,
): ViewProbe | { readonly problem: string } | undefined {
  const { kind, name } = object
  if (kind !== 'view') return undefined
  const problem = obstacleTo(object, facts)
  if (problem !== undefined) return { problem }
  const { uses } = namesFor(seed, name.name, [])
  const original = foundObject(object, facts)?.definition
  const probed = original === undefined ? undefined : rewriteView(original, callSql(uses))
  if (original === undefined || probed === undefined)
    return { problem: 'its definition cannot be written anew faithfully' }
  const keepsOut = facts.serverVersion >= UNLOGGED_SEQUENCES
  return { view: object, counter: uses, original, probed, keepsOut }
}

/** What stands against a probe, whatever the definition says. */
function obstacleTo(object: DatabaseObject, facts: Facts): string | undefined {
  const { name } = object
  const first = (question: Sql) => {
    const answer = facts.answers[question]
    return answer === undefined || 'problem' in answer ? 'unknown' : answer[0]
  }
  const reader = first(parallelReadersQuestion(object))
  if (reader === 'unknown') return 'who reads it in parallel is not known'
  if (reader !== undefined)
    return `the function ${String(reader.name)} may read it, and is said to be safe in parallel`
  const foreign = first(foreignTablesQuestion(object))
  if (foreign === 'unknown') return 'whether it reads a foreign table is not known'
  if (foreign !== undefined)
    return `it reads the foreign table ${String(foreign.name)}, of which more would be fetched meanwhile`
  // To replace a view takes the right to make one.
  if (facts.closedNamespaces.includes(name.namespace))
    return `the connected role may make nothing in ${shown(name.namespace)}`
  const isSame = facts.reprinted[nameKey(name)]
  if (isSame === undefined) return 'how PostgreSQL prints it when it is made again could not be tried'
  if (!isSame) return 'PostgreSQL prints it in other words when it is made again as it is'
  return undefined
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
      ...(probe.keepsOut ? [] : [LOGGED]),
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
    statements: [
      sql`drop view if exists ${qualified(view.name)} restrict`,
      // A view is not locked ahead: behind the look of the gate somebody could have used it until here.
      nobodyCameAgainSql(counter, `the ${shownObject(view)} was used since the gate looked`),
      ...dropProbeSql(counter),
    ],
  }
}

function locksOf({ probed, view }: ViewProbe, schema: Context['schema']) {
  const statements = readStatements(probed)
  return 'problem' in statements ? [] : stepLocks(statements, view.name.namespace, schema)
}
