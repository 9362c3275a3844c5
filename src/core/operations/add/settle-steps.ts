import { behindGate, type TakingAway } from '../../plan/behind-gate.ts'
import { clearColumnState, columnIsOffered } from '../../plan/column-state.ts'
import { validateChecksStep } from '../../plan/constraint-steps.ts'
import { onTable } from '../../plan/on-table.ts'
import {
  all,
  constraintAbsent,
  constraintExists,
  constraintValidated,
  dualWriteAbsent,
  dualWriteIsLast,
  dualWriteStands,
} from '../../plan/probes.ts'
import { type Installed, uninstallSql } from '../../plan/row-trigger.ts'
import type { Requirement, StepDraft } from '../../plan/step.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { id, lit, qualified, type Sql, shown, sql } from '../../sql.ts'
import { leavingFreedom } from '../rules/leaving.ts'
import { oldWritersHazard } from '../rules/put-up.ts'
import type { AddColumn } from './add.ts'
import { defaultSql, type Work } from './work.ts'

/** From the last row that was filled to the moment when new instances may use the column, and to the end. */
export function settleSteps(work: Work): readonly StepDraft[] {
  const isOver = work.op.up === undefined
  return [
    ...(work.nullable ? [] : [proofStep(work), validateStep(work)]),
    offerStep(work, isOver),
    ...(isOver ? [] : purgeSteps(work)),
  ]
}

/** Where no default takes over, whoever does not know the column fails when nothing fills it any more. */
function purgeSteps(work: Work): readonly StepDraft[] {
  const { op, table, nullable } = work
  if (nullable || op.default !== undefined) return [purgeStep(work)]
  const hazards = [oldWritersHazard(`leaves out "${op.column}"`, 'after_rollout')]
  return behindGate(leavingFreedom(table, `NOT NULL of ${shown(op.column)}`), { ...purgeStep(work), hazards })
}

function proofStep(work: Work): StepDraft {
  const { op, table, names, filling } = work
  return {
    ...onTable(table),
    kind: 'ddl',
    shares: { table, at: 'prove' },
    phase: 'verify',
    does: `have the database keep "${op.column}" filled from now on`,
    probe: constraintExists(table, names.notNullProof),
    requires: [stands(filling), isLast(filling)],
    statements: [
      sql`alter table ${qualified(table)} add constraint ${id(names.notNullProof)} check (${id(op.column)} is not null) not valid`,
    ],
  }
}

function validateStep({ table, names }: Work): StepDraft {
  const constraints = [names.notNullProof]
  return {
    ...validateChecksStep(table, constraints, `prove that every row of "${table.name}" is filled`, 'verify'),
    shares: { table, at: 'validate', constraints },
  }
}

/** NOT NULL is instant, because the CHECK proves it; the trigger goes where a default, or the numbers, do its work. */
function offerStep({ op, table, names, nullable, filling, numbers }: Work, isOver: boolean): StepDraft {
  const proof = names.notNullProof
  return {
    ...onTable(table),
    ...(nullable && !isOver ? { locks: [] } : {}),
    kind: 'ddl',
    shares: { table, at: 'offer' },
    phase: 'verify',
    does: `offer "${op.column}" to new instances`,
    probe: all([
      columnIsOffered(table, op.column),
      ...(nullable ? [] : [constraintAbsent(table, proof)]),
      ...(isOver ? [dualWriteAbsent(filling)] : []),
    ]),
    requires: nullable
      ? []
      : [
          {
            that: constraintValidated(table, proof),
            code: 'drift_found',
            otherwise: `the constraint "${proof}" on "${table.name}" is missing or not validated`,
          },
        ],
    statements: [
      ...(nullable
        ? []
        : [
            sql`alter table ${qualified(table)} alter column ${id(op.column)} set not null`,
            sql`alter table ${qualified(table)} drop constraint ${id(proof)}`,
          ]),
      ...(isOver ? uninstallSql(filling) : []),
      ...identitySql(op, table, numbers),
      clearColumnState(table, op.column),
    ],
  }
}

/** The new sequence goes on where the one that filled the rows stands. */
function identitySql(op: AddColumn, table: QualifiedName, numbers: QualifiedName): readonly Sql[] {
  if (op.identity === undefined) return []
  const always = op.identity === 'always' ? sql`always` : sql`by default`
  return [
    sql`alter table ${qualified(table)} alter column ${id(op.column)} add generated ${always} as identity`,
    sql`select pg_catalog.setval(pg_catalog.pg_get_serial_sequence(${lit(qualified(table))}, ${lit(op.column)})::pg_catalog.regclass, pg_catalog.nextval(${lit(qualified(numbers))}::pg_catalog.regclass), false)`,
    sql`drop sequence ${qualified(numbers)}`,
  ]
}

/** Nobody fills the column for writers that do not know it any more, but its default. */
function purgeStep({ op, table, filling }: Work): TakingAway {
  return {
    ...onTable(table),
    kind: 'purge',
    shares: { table, at: 'drop' },
    phase: 'purge',
    does: `no longer fill "${op.column}" of "${op.table}" for writers that do not know it`,
    probe: dualWriteAbsent(filling),
    statements: [...uninstallSql(filling), ...defaultSql(op)],
  }
}

function stands(filling: Installed): Requirement {
  return {
    that: dualWriteStands(filling),
    code: 'drift_found',
    otherwise: `the trigger "${filling.trigger}" on "${filling.table.name}" is missing, disabled or not as it was installed`,
  }
}

function isLast(filling: Installed): Requirement {
  return {
    that: dualWriteIsLast(filling),
    code: 'drift_found',
    otherwise: `a trigger on "${filling.table.name}" fires behind "${filling.trigger}"; give it a name that sorts before`,
  }
}
