import { isSameName, type QualifiedName, type Table } from '../schema/model.ts'
import { id, qualified, type Sql, shown, sql } from '../sql.ts'
import type { Hazard } from './hazard.ts'
import { all, constraintIs, constraintValidated, indexValid } from './probes.ts'
import type { Lock, Phase, StepDraft, TransactionStep } from './step.ts'
import { validateChecksSql } from './validate.ts'

/** Steps by which constraints come up while everybody goes on, whatever they come up for. */

/** Of one under a name that somebody else may have taken meanwhile; a copy has a name of ours. */
type NewRule = Pick<TransactionStep, 'probe' | 'makes' | 'requires'>

/** Proves checks with one scan, under a lock that stops nobody but for the moment of the verdict. */
export function validateChecksStep(
  table: QualifiedName & Partial<Pick<Table, 'kind'>>,
  names: readonly string[],
  does: string,
  phase: Phase,
): StepDraft {
  const common = {
    phase,
    does,
    hazards: [
      {
        code: 'stops_clients' as const,
        because: `At its end writers of ${shown(table.name)} wait: for the lock timeout at most, and then for some milliseconds.`,
      },
    ],
    probe: all(names.map((name) => constraintValidated(table, name))),
  }
  if (table.kind === 'partitioned')
    // The partition that is read is locked no more than this, and all of them together for the moment of the verdict.
    return { ...common, kind: 'validate_parts', table, checks: names, locks: provingLocks(table, {}) }
  return {
    ...common,
    kind: 'validate',
    locks: provingLocks(table, { implied: true }),
    requires: [],
    statements: validateChecksSql(table, names),
    cost: 'scan',
  }
}

function provingLocks(relation: QualifiedName, verdict: Pick<Lock, 'implied'>): readonly Lock[] {
  return [
    { relation, level: 'share_update_exclusive' },
    { relation, level: 'share_row_exclusive', ...verdict },
  ]
}

/** A unique index that is there and valid becomes a constraint of its name. */
export function indexToConstraintStep(
  table: QualifiedName,
  name: string,
  more: {
    readonly kind: 'unique' | 'primary_key'
    readonly phase: Phase
    readonly does: string
    readonly deferrable?: Sql
  } & Partial<NewRule>,
): StepDraft {
  const words = more.kind === 'unique' ? sql`unique` : sql`primary key`
  return {
    kind: 'ddl',
    phase: more.phase,
    does: more.does,
    hazards: [],
    probe: more.probe ?? constraintIs(table, name, more.kind),
    ...(more.makes === undefined ? {} : { makes: more.makes }),
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [
      ...(more.requires ?? []),
      {
        that: indexValid({ namespace: table.namespace, name }),
        code: 'drift_found',
        otherwise: `the index "${name}" is missing or invalid`,
      },
    ],
    statements: [
      sql`alter table ${qualified(table)} add constraint ${id(name)} ${words} using index ${id(name)}${more.deferrable ?? sql``}`,
    ],
    cost: 'instant',
  }
}

export interface NewForeignKey extends Partial<NewRule> {
  readonly table: QualifiedName
  readonly other: QualifiedName
  readonly name: string
  /** What stands behind `ADD CONSTRAINT name`, NOT VALID included. */
  readonly definition: Sql
  /** How a person would name it, such as `"users_team_fkey" on "team"`. */
  readonly shown: string
  readonly phase: Phase
  readonly hazards?: readonly Hazard[]
}

/** For new rows first, and in a transaction of its own for those that are there, while writers of both tables go on. */
export function foreignKeySteps(key: NewForeignKey): readonly [add: StepDraft, validate: StepDraft] {
  const { table, other, name, phase } = key
  return [
    {
      kind: 'ddl',
      phase,
      does: `put the foreign key ${key.shown} for new rows`,
      hazards: key.hazards ?? [],
      probe: key.probe ?? constraintIs(table, name, 'foreign_key'),
      ...(key.makes === undefined ? {} : { makes: key.makes }),
      locks: onBoth(table, other, ['share_row_exclusive', 'share_row_exclusive']),
      requires: key.requires ?? [],
      statements: [sql`alter table ${qualified(table)} add constraint ${id(name)} ${key.definition}`],
      cost: 'instant',
    },
    validateForeignKeyStep({
      ...key,
      does: `check the foreign key ${key.shown} for the rows that are there`,
    }),
  ]
}

export function validateForeignKeyStep(
  key: Pick<NewForeignKey, 'table' | 'other' | 'name' | 'phase'> & {
    readonly does: string
    readonly isProved?: Sql
  },
): StepDraft {
  const { table, other, name, phase, does } = key
  return {
    kind: 'validate',
    phase,
    does,
    hazards: [],
    probe: key.isProved ?? constraintValidated(table, name),
    locks: onBoth(table, other, ['share_update_exclusive', 'row_share']),
    requires: [],
    statements: [sql`alter table ${qualified(table)} validate constraint ${id(name)}`],
    cost: 'scan',
  }
}

/** The statement locks the other table itself: the role may own one and not the other. */
export function onBoth(
  table: QualifiedName,
  other: QualifiedName,
  [level, otherLevel]: readonly [Lock['level'], Lock['level']],
): readonly Lock[] {
  const own: Lock = { relation: table, level }
  return isSameName(table, other) ? [own] : [{ relation: other, level: otherLevel, implied: true }, own]
}
