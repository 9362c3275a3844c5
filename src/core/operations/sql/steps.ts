import { assert } from '../../errors.ts'
import { hash } from '../../hash.ts'
import { madeObject, shownObject } from '../../objects/database-object.ts'
import { gateOf } from '../../plan/behind-gate.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { andAlso } from '../../plan/joining.ts'
import { type Leaver, leaverOf } from '../../plan/leaver.ts'
import { all, isFreeToBuild } from '../../plan/probes.ts'
import { inSearchPath } from '../../plan/search-path.ts'
import type { Phase, StepDraft, TransactionStep } from '../../plan/step.ts'
import { isSameName } from '../../schema/model.ts'
import { type Sql, sql, trusted } from '../../sql.ts'
import { unsafe } from '../../statements/lint.ts'
import { altersBy, EVALUATED } from '../../statements/matches.ts'
import type { Setting } from '../../statements/rule.ts'
import { kindOf, relationName } from '../../statements/statement.ts'
import { stepLocks } from '../../statements/step-locks.ts'
import { madePlaces } from '../../statements/taken-back.ts'
import { firesForAll } from '../object/triggers.ts'
import type { Context } from '../operation.ts'
import { withForeignKeys } from './foreign-keys.ts'
import { tableOfIndex } from './index-tables.ts'
import { knownSettingsOf } from './known.ts'
import { leaversOf } from './leavers.ts'
import { probeOf, probesOf } from './probe.ts'
import { madeBy, type RunSql, upOf } from './run-sql.ts'

const PHASES: Readonly<Record<RunSql['phase'], Phase>> = { expand: 'expand', contract: 'purge' }

/** What runs in the contract takes something away, or it could run before. */
export function contractSteps(op: RunSql, context: Context): readonly StepDraft[] {
  const step = upStep(op, context)
  const leavers = leaversOf(op, `what "${firstLine(op.up)}" takes away`)
  return [
    ...leavers.map((leaver) => gateOf(leaver, doneProbe(op))),
    { ...step, ...andAlso('retires', leavers.map(leaverOf)) },
  ]
}

export function upStep(op: RunSql, context: Context): StepDraft {
  const [setting] = knownSettingsOf(op, context)
  assert(setting !== undefined, 'steps come after check')
  const stays: readonly Hazard[] =
    op.irreversible === undefined
      ? []
      : [{ code: 'stays', because: `A rollback leaves what this step did: ${op.irreversible}` }]
  return statementStep(op, context, setting, {
    phase: PHASES[op.phase],
    does: `run: ${firstLine(op.up)}`,
    hazards: [...unsafeHazards(op, setting), ...triggerHazards(op, setting), ...stays],
    probe: doneProbe(op),
    text: op.up,
    ...(op.down === undefined ? {} : { makes: madeName(op, context) }),
  })
}

export function downStep(op: RunSql, context: Context, down: string): StepDraft {
  const setting = knownSettingsOf(op, context).find(({ part }) => part === 'down')
  assert(setting !== undefined, 'steps come after check')
  return statementStep(op, context, setting, {
    phase: 'expand',
    does: `take back: ${firstLine(down)}`,
    hazards: unsafeHazards(op, setting),
    probe: none(op),
    after: sql`not ${doneProbe(op)}`,
    text: down,
    unmakes: madeName(op, context),
    ...andAlso(
      'retires',
      upOf(op).flatMap((one) => madePlaces(one, op.namespace)),
    ),
  })
}

interface Told {
  readonly phase: Phase
  readonly does: string
  readonly hazards: readonly Hazard[]
  readonly probe: Sql
  readonly after?: Sql
  readonly text: string
  readonly makes?: string
  readonly unmakes?: string
  readonly retires?: Leaver
  readonly retiresAlso?: readonly Leaver[]
}

function statementStep(op: RunSql, { schema, facts }: Context, setting: Setting, told: Told): StepDraft {
  const { text, after, ...common } = told
  const locks = stepLocks(setting.statements, op.namespace, withForeignKeys(op, schema)).map((lock) => ({
    ...lock,
    relation: tableOfIndex(op, facts, lock.relation) ?? lock.relation,
  }))
  if (!setting.outside) {
    return {
      kind: 'ddl',
      ...common,
      locks,
      requires: [],
      // A comment at the end of the text must not swallow what comes behind it.
      statements: inSearchPath(op.namespace, [trusted(`${text.trim()}\n`)]),
      cost: costOf(op, setting),
      ...(after === undefined || told.probe === after ? {} : { after }),
    }
  }
  const [statement] = setting.statements
  if (statement !== undefined && 'IndexStmt' in statement) {
    const { idxname = '', relation } = statement.IndexStmt
    const table = relationName(relation, op.namespace)
    const index = { namespace: table.namespace, name: idxname }
    return {
      kind: 'concurrent_index',
      ...common,
      locks,
      // What is in the way is dropped before the build: that may only be what an interrupted one has left.
      requires: [
        {
          that: isFreeToBuild(index, table, null),
          code: 'drift_found',
          otherwise: `there is an index "${idxname}" already`,
        },
      ],
      index,
      statement: trusted(text.trim()),
    }
  }
  return { kind: 'outside', ...common, locks, statements: [trusted(text.trim())], cost: 'scan' }
}

function costOf(op: RunSql, { statements }: Setting): TransactionStep['cost'] {
  if (op.unsafe !== undefined) return 'unknown'
  if (statements.some((one) => altersBy(one, 'AT_ValidateConstraint'))) return 'scan'
  return statements.some((one) => EVALUATED.has(kindOf(one))) ? 'rows' : 'instant'
}

function unsafeHazards(op: RunSql, setting: Setting): readonly Hazard[] {
  return unsafe(setting).map(({ rule, at }) => ({
    code: 'unsafe',
    because: `Statement ${at} ${rule.what}: ${rule.why}. The reason given: ${op.unsafe}`,
  }))
}

/** It fires for whoever writes; on what the same text has made nobody does yet. */
function triggerHazards(op: RunSql, { statements, namespace }: Setting): readonly Hazard[] {
  if (op.phase === 'contract') return []
  const made = madeBy(op)
  return statements.flatMap((statement) => {
    const trigger = 'CreateTrigStmt' in statement ? madeObject(statement, namespace) : undefined
    const { on } = trigger ?? {}
    if (trigger === undefined || on === undefined || made.some((one) => isSameName(one, on))) return []
    return [firesForAll(shownObject(trigger))]
  })
}

function doneProbe(op: RunSql): Sql {
  const probe = probeOf(op)
  assert(probe !== undefined, 'steps come after check')
  return sql`(${probe})`
}

/** Where somebody took a part of it back by hand, the rest still stands: it is taken back, or PostgreSQL says what is in the way. */
function none(op: RunSql): Sql {
  const probes = probesOf(op)
  assert(probes !== undefined, 'steps come after check')
  return probes.length === 1 ? sql`not ${doneProbe(op)}` : all(probes.map((probe) => sql`not (${probe})`))
}

/** Two operations may begin with the same words: which one it is must be told apart, or a rollback takes back what it never made. */
function madeName({ up }: RunSql, { seed }: Context): string {
  return `what "${firstLine(up)}" makes (${hash(seed).slice(0, 8)})`
}

const SHOWN_CHARACTERS = 80

function firstLine(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)} …` : line
}
