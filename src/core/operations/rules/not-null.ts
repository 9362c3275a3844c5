import { assert } from '../../errors.ts'
import { validateChecksStep } from '../../plan/constraint-steps.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { namesFor } from '../../plan/names.ts'
import { all, columnExists, columnIsNotNull, constraintAbsent, constraintIs } from '../../plan/probes.ts'
import type { Made, Phase, Requirement, StepDraft } from '../../plan/step.ts'
import type { Constraint, QualifiedName } from '../../schema/model.ts'
import { id, join, lit, qualified, type Sql, sql } from '../../sql.ts'

export interface NotNull {
  readonly table: QualifiedName
  readonly columns: readonly string[]
  readonly seed: string
  readonly phase: Phase
  /** Of a NOT NULL that comes back, which somebody may have given back already: what its constraints are called where they have names. */
  readonly constraints?: readonly Pick<Constraint, 'name' | 'columns' | 'comment'>[]
}

/** The check that proves for a while what SET NOT NULL would otherwise read the whole table for, with everybody waiting. */
export function proofName({ seed }: Pick<NotNull, 'seed'>, column: string): string {
  return namesFor(seed, column, []).notNullProof
}

/**
 * NOT NULL by a check that is proved first. It is the same on every version: since PostgreSQL 18 a NOT NULL can be NOT VALID
 * itself, which saves one short lock and would be a second way to keep right.
 */
export function notNullSteps(work: NotNull, hazards: readonly Hazard[]): readonly StepDraft[] {
  const { table, columns, phase } = work
  if (columns.length === 0) return []
  const named = columns.map((column) => `"${column}"`).join(', ')
  const proofs = columns.map((column) => proofName(work, column))
  const isNew = work.constraints === undefined
  const stands = all([
    ...columns.map((column) => columnIsNotNull(table, column)),
    ...proofs.map((name) => constraintAbsent(table, name)),
  ])
  const proved = validateChecksStep(
    table,
    proofs,
    `prove that every row of "${table.name}" has ${named}`,
    phase,
  )
  assert('probe' in proved, 'a proof can be looked for')
  // The last step takes the proof away: where that is done, as behind an undo that stopped half way, so are the steps before it.
  const orStands = (probe: Sql) => sql`(${probe} or ${stands})`
  const common = {
    phase,
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: isNew ? columns.map((column) => stillNullable(table, column)) : [],
    cost: 'instant',
  } as const
  return [
    {
      ...common,
      kind: 'ddl',
      does: `refuse new rows of "${table.name}" without ${named}`,
      hazards,
      probe: orStands(all(proofs.map((name) => constraintIs(table, name, 'check')))),
      statements: [
        alter(
          table,
          columns.map(
            (column) =>
              sql`add constraint ${id(proofName(work, column))} check (${id(column)} is not null) not valid`,
          ),
        ),
      ],
    },
    { ...proved, probe: orStands(proved.probe) },
    {
      ...common,
      kind: 'ddl',
      does: `make ${named} of "${table.name}" NOT NULL`,
      hazards: [],
      probe: stands,
      ...(isNew ? { makes: madeNotNull(work) } : {}),
      statements: [
        alter(
          table,
          columns.map((column) => setNotNull(work, column)),
        ),
        // Not in one ALTER TABLE, which would drop the proof before it looks for it.
        alter(
          table,
          proofs.map((name) => sql`drop constraint ${id(name)}`),
        ),
        ...comments(work),
      ],
    },
  ]
}

/** As it was: since PostgreSQL 18 it may hold for new rows alone. Nothing is read. */
export function unprovedAgainStep(
  { table, phase }: Pick<NotNull, 'table' | 'phase'>,
  constraint: Pick<Constraint, 'name' | 'columns' | 'comment'>,
  hazards: readonly Hazard[],
): StepDraft {
  const [column = ''] = constraint.columns
  return {
    kind: 'ddl',
    phase,
    does: `refuse new rows of "${table.name}" without "${column}", as before`,
    hazards,
    probe: columnIsNotNull(table, column),
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [],
    statements: [
      alter(table, [sql`${setNotNull({ constraints: [constraint] }, column)} not valid`]),
      ...comments({ table, constraints: [constraint] }),
    ],
    cost: 'instant',
  }
}

/** Both take the proof for an answer and do not look at the rows. */
function setNotNull({ constraints = [] }: Pick<NotNull, 'constraints'>, column: string): Sql {
  const known = constraints.find(({ columns }) => columns.includes(column))
  return known === undefined
    ? sql`alter column ${id(column)} set not null`
    : sql`add constraint ${id(known.name)} not null ${id(column)}`
}

function comments({ table, constraints = [] }: Pick<NotNull, 'table' | 'constraints'>): readonly Sql[] {
  return constraints.flatMap(({ name, comment }) =>
    comment === null
      ? []
      : [sql`comment on constraint ${id(name)} on ${qualified(table)} is ${lit(comment)}`],
  )
}

function alter(table: QualifiedName, changes: readonly Sql[]): Sql {
  return sql`alter table ${qualified(table)} ${join(changes)}`
}

/** One that is there before is somebody else's. */
function madeNotNull({ table, columns }: Pick<NotNull, 'table' | 'columns'>): Made {
  return `the NOT NULL of ${columns.map((column) => `"${column}"`).join(', ')} of ${qualified(table)}`
}

function stillNullable(table: QualifiedName, column: string): Requirement {
  return {
    that: sql`not ${columnIsNotNull(table, column)}`,
    code: 'drift_found',
    otherwise: `somebody else has made "${column}" of "${table.name}" NOT NULL since the plan was made`,
  }
}

/** Lets the columns be NULL again, from whatever point of the way; but where somebody else made them NOT NULL, they stay so. */
export function nullableAgainSteps(work: Omit<NotNull, 'constraints'>): readonly StepDraft[] {
  const { table, columns, phase } = work
  if (columns.length === 0) return []
  const named = columns.map((column) => `"${column}"`).join(', ')
  const proofs = columns.map((column) => proofName(work, column))
  const common = {
    kind: 'ddl',
    phase,
    hazards: [],
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [],
    cost: 'instant',
  } as const
  return [
    {
      ...common,
      does: `let ${named} of "${table.name}" be NULL again`,
      unmakes: madeNotNull(work),
      probe: all(
        columns.map(
          (column) => sql`${columnExists(table, column)} and not ${columnIsNotNull(table, column)}`,
        ),
      ),
      statements: [
        alter(
          table,
          columns.map((column) => sql`alter column ${id(column)} drop not null`),
        ),
      ],
    },
    {
      ...common,
      does: `forget the proof that every row of "${table.name}" has ${named}`,
      probe: all(proofs.map((name) => constraintAbsent(table, name))),
      statements: [
        alter(
          table,
          proofs.map((name) => sql`drop constraint if exists ${id(name)}`),
        ),
      ],
    },
  ]
}
