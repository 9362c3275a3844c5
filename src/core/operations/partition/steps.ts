import { validateChecksStep } from '../../plan/constraint-steps.ts'
import type { Hazard } from '../../plan/hazard.ts'
import type { Inspection } from '../../plan/inspection.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, constraintAbsent, constraintExists, constraintValidated } from '../../plan/probes.ts'
import type { Lock, Phase, Requirement, StepDraft } from '../../plan/step.ts'
import type { QualifiedName, Table } from '../../schema/model.ts'
import { id, qualified, regclass, type Sql, sql, trusted } from '../../sql.ts'

/** A table that is to be, or was, a partition of another one, and a CHECK that says so without a look at its rows. */
export interface Parting {
  readonly table: Table
  readonly part: Table
  /** As `pg_get_expr` prints them, or as they were written. */
  readonly bounds: string
  /** The CHECK that PostgreSQL takes for the proof that every row is within the bounds. */
  readonly proof: { readonly name: string; readonly condition: string }
}

/** Is it a partition for everybody, and not on its way out? */
export function isPartition({ table, part }: Pick<Parting, 'table' | 'part'>): Sql {
  return sql`exists (select from pg_catalog.pg_inherits where inhrelid = ${regclass(part)} and inhparent = ${regclass(table)} and not inhdetachpending)`
}

function isNone({ table, part }: Parting): Sql {
  return sql`(${regclass(part)} is not null and not exists (select from pg_catalog.pg_inherits where inhrelid = ${regclass(part)} and inhparent = ${regclass(table)}))`
}

/** As a table of its own it has got none of the columns that its table got, and the other way round: neither can be attached with. */
export function sameColumns({ table, part }: Pick<Parting, 'table' | 'part'>): Requirement {
  const of = (one: QualifiedName) =>
    sql`select attname, atttypid, atttypmod from pg_catalog.pg_attribute where attrelid = ${regclass(one)} and attnum > 0 and not attisdropped`
  const beside = sql`(${of(table)} except ${of(part)}) union all (${of(part)} except ${of(table)})`
  return {
    that: sql`(${regclass(part)} is null or not exists (${beside}))`,
    code: 'drift_found',
    otherwise: `"${part.name}" and "${table.name}" have not the same columns any more, so the one cannot be attached to the other; give both the same, and run the same command again`,
    which: sql`(select pg_catalog.string_agg(distinct pg_catalog.quote_ident(attname), ', ') from (${beside}) other)`,
    early: true,
  }
}

function isLeaving({ table, part }: Parting): Sql {
  return sql`exists (select from pg_catalog.pg_inherits where inhrelid = ${regclass(part)} and inhparent = ${regclass(table)} and inhdetachpending)`
}

/** A CHECK for new rows, and in a transaction of its own for those that are there. */
export function proveSteps(
  table: QualifiedName & Partial<Pick<Table, 'kind'>>,
  { name, condition }: Parting['proof'],
  said: {
    readonly does: string
    readonly proves: string
    readonly hazards: readonly Hazard[]
    readonly refusedBy?: Inspection
  },
): readonly StepDraft[] {
  const proving = validateChecksStep(table, [name], said.proves, 'expand')
  return [
    {
      ...onTable(table),
      kind: 'ddl',
      phase: 'expand',
      does: said.does,
      hazards: said.hazards,
      probe: constraintExists(table, name),
      statements: [
        sql`alter table ${qualified(table)} add constraint ${id(name)} check (${trusted(condition)}) not valid`,
      ],
    },
    said.refusedBy === undefined ? proving : { ...proving, refusedBy: said.refusedBy },
  ]
}

export interface Attaching {
  readonly phase: Phase
  readonly requires: readonly Requirement[]
  readonly hazards: readonly Hazard[]
  /** More that PostgreSQL locks. */
  readonly locks: readonly Lock[]
  readonly refusedBy?: Inspection
  readonly cost: 'instant' | 'small'
}

/** The proof makes it instant. The lock of the table itself keeps nobody from reading or writing. */
export function attachStep(parting: Parting, more: Attaching): StepDraft {
  const { table, part, bounds, proof } = parting
  return {
    kind: 'ddl',
    phase: more.phase,
    does: `attach "${part.name}" to "${table.name}"`,
    hazards: more.hazards,
    probe: isPartition(parting),
    locks: [
      { relation: part, level: 'access_exclusive' },
      { relation: table, level: 'share_update_exclusive', implied: true },
      ...partnerLocks(table),
      ...more.locks,
    ],
    requires: [
      {
        that: constraintValidated(part, proof.name),
        code: 'drift_found',
        otherwise: `the constraint "${proof.name}" on "${part.name}" is missing or not validated`,
      },
      ...more.requires,
    ],
    statements: [sql`alter table ${qualified(table)} attach partition ${qualified(part)} ${trusted(bounds)}`],
    ...(more.refusedBy === undefined ? {} : { refusedBy: more.refusedBy }),
    cost: more.cost,
  }
}

/** The foreign keys of the partition become parts of those of the table. */
export function partnerLocks({ constraints }: Table): readonly Lock[] {
  return constraints.flatMap(({ references }) =>
    references === null
      ? []
      : [{ relation: references, level: 'share_row_exclusive' as const, implied: true as const }],
  )
}

/**
 * Waits for older transactions and stops nobody meanwhile. Whoever is interrupted in it leaves a partition that is on its way out, which
 * is then brought to its end.
 */
export function detachStep(
  parting: Parting,
  phase: Phase,
  hazards: readonly Hazard[],
): Extract<StepDraft, { kind: 'outside' }> {
  const { table, part } = parting
  const detach = sql`alter table ${qualified(table)} detach partition ${qualified(part)}`
  return {
    kind: 'outside',
    phase,
    does: `detach "${part.name}" from "${table.name}"`,
    hazards: [
      {
        code: 'waits_for_transactions',
        because: `Waits for every transaction that has used "${table.name}" before; nobody waits for it meanwhile.`,
      },
      ...hazards,
    ],
    probe: isNone(parting),
    locks: [
      { relation: table, level: 'share_update_exclusive' },
      { relation: part, level: 'access_exclusive' },
      ...partnerLocks(table),
    ],
    statements: [sql`${detach} concurrently`],
    begun: { when: isLeaving(parting), statement: sql`${detach} finalize` },
    cost: 'instant',
  }
}

/** Before it can be attached again: what somebody was interrupted in is brought to its end. */
export function finishStep(parting: Parting): StepDraft {
  const { table, part } = parting
  return {
    ...detachStep(parting, 'retire', []),
    does: `bring a detaching of "${part.name}" that was interrupted to its end`,
    probe: sql`not ${isLeaving(parting)}`,
    statements: [sql`alter table ${qualified(table)} detach partition ${qualified(part)} finalize`],
  }
}

/** Beside a default partition PostgreSQL knows no other way than to stop everybody, for milliseconds. */
export function detachBesideDefaultStep(
  parting: Parting,
  fallback: QualifiedName,
  hazards: readonly Hazard[],
  probe: Sql = isNone(parting),
): StepDraft {
  const { table, part } = parting
  const implied = { level: 'access_exclusive', implied: true } as const
  return {
    ...onTable(part),
    kind: 'ddl',
    phase: 'expand',
    does: `detach "${part.name}" from "${table.name}"`,
    hazards,
    probe,
    locks: [
      { relation: part, level: 'access_exclusive' },
      { relation: table, ...implied, only: true },
      { relation: fallback, ...implied },
      ...partnerLocks(table),
    ],
    statements: [sql`alter table ${qualified(table)} detach partition ${qualified(part)}`],
  }
}

/** The CHECKs have done their work. */
export function letGoStep(
  on: readonly (readonly [table: QualifiedName, name: string])[],
  phase: 'expand' | 'purge',
  does: string,
): StepDraft {
  return {
    kind: phase === 'purge' ? 'purge' : 'ddl',
    phase,
    does,
    hazards: [],
    probe: all(on.map(([table, name]) => constraintAbsent(table, name))),
    locks: on.map(([relation]) => ({ relation, level: 'access_exclusive' })),
    requires: [],
    statements: on.map(
      ([table, name]) => sql`alter table ${qualified(table)} drop constraint if exists ${id(name)}`,
    ),
    cost: 'instant',
  }
}
