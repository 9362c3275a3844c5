import type { BellowsError } from '../../errors.ts'
import { isAtMost } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { refused, theTable } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { lit, qualified, type Sql, shown, sql, trusted } from '../../sql.ts'
import type { AttachPartition } from './attach.ts'
import { type InTheWay, lateLook } from './in-the-way.ts'
import { type Parting, proveSteps } from './steps.ts'

/** A partition that takes what no other one does. */
export interface Fallback extends QualifiedName {
  readonly bytes: number
  readonly partitioned: boolean
}

/** That much is read within an instant. */
const DEFAULT_BYTES_MAX = 1_048_576

export function defaultQuestion(op: AttachPartition): Sql {
  return sql`select n.nspname as namespace, c.relname as name, pg_catalog.pg_table_size(c.oid) as bytes, c.relkind = 'p' as partitioned from pg_catalog.pg_partitioned_table k join pg_catalog.pg_class c on c.oid = k.partdefid join pg_catalog.pg_namespace n on n.oid = c.relnamespace where k.partrelid = pg_catalog.to_regclass(${lit(qualified(theTable(op)))})`
}

export function defaultOf(op: AttachPartition, facts: Facts): Fallback | undefined {
  const answer = facts.answers[defaultQuestion(op)]
  const [found] = answer === undefined || 'problem' in answer ? [] : (answer as readonly unknown[])
  return found as Fallback | undefined
}

export function isProved(op: AttachPartition, { bytes }: Fallback): boolean {
  return op.refuseInDefault === true && bytes > DEFAULT_BYTES_MAX
}

export function defaultProblems(op: AttachPartition, facts: Facts): readonly BellowsError[] {
  const fallback = defaultOf(op, facts)
  if (fallback?.partitioned === true)
    return [
      refused(
        `The default partition ${shown(fallback.name)} of "${op.table}" is partitioned itself, and its rows would be read while nobody can use them.`,
        `Detach it first, when it is empty: alter table ${qualified(theTable(op))} detach partition ${qualified(fallback)}`,
      ),
    ]
  if (fallback === undefined || fallback.bytes <= DEFAULT_BYTES_MAX || op.refuseInDefault === true) return []
  return [
    refused(
      `The default partition ${shown(fallback.name)} of "${op.table}" has ${fallback.bytes} bytes, and has to be read for rows that belong to "${op.partition}".`,
      'Say refuse_in_default: true to accept that such a row is refused while it is read; without that nobody could use it meanwhile.',
    ),
  ]
}

/** Rows that the default partition has, and the new one would have. */
export function inDefault(
  { part, proof, bounds }: Pick<Parting, 'part' | 'proof' | 'bounds'>,
  fallback: QualifiedName,
): InTheWay {
  return {
    table: fallback,
    where: trusted(proof.condition),
    what: `rows of "${fallback.name}" that belong to "${part.name}"`,
    otherwise: `Rows of the default partition "${fallback.name}" are ${bounds}`,
  }
}

export function defaultSteps(parting: Parting, fallback: QualifiedName): readonly StepDraft[] {
  const { part, proof } = parting
  return proveSteps(
    fallback,
    { name: proof.name, condition: `not (${proof.condition})` },
    {
      does: `let the default partition "${fallback.name}" take no row that belongs to "${part.name}"`,
      proves: `prove that no row of "${fallback.name}" belongs to "${part.name}"`,
      hazards: [
        {
          code: 'old_writers_may_fail',
          because: `From here until "${part.name}" is attached a row that belongs there is refused.`,
        },
      ],
      refusedBy: lateLook(inDefault(parting, fallback), part),
    },
  )
}

export function besideDefault(op: AttachPartition, parting: Parting, fallback: Fallback) {
  const locks = [{ relation: fallback, level: 'access_exclusive' as const, implied: true as const }]
  if (isProved(op, fallback)) return { locks, requires: [], cost: 'instant' as const }
  return {
    locks,
    requires: [
      {
        that: isAtMost(fallback, DEFAULT_BYTES_MAX),
        code: 'drift_found' as const,
        otherwise: `the default partition "${fallback.name}" has grown beyond ${DEFAULT_BYTES_MAX} bytes since the plan was made; roll back, and plan anew with refuse_in_default`,
      },
    ],
    // Nothing keeps such rows away before it is read.
    refusedBy: lateLook(inDefault(parting, fallback), parting.part),
    cost: 'small' as const,
  }
}
