import { assert, type BellowsError } from '../errors.ts'
import { boundsProblem } from '../plan/bounds.ts'
import { namesFor } from '../plan/names.ts'
import { isAtMost } from '../plan/probes.ts'
import type { StepDraft } from '../plan/step.ts'
import { refused, tableProblems, theTable } from '../plan/table-checks.ts'
import { boundKey } from '../schema/bounds.ts'
import type { Facts } from '../schema/facts.ts'
import { findTable, type QualifiedName } from '../schema/model.ts'
import { lit, qualified, type Sql, shown, sql, trusted } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import { attachedSchema } from './partition/attached-schema.ts'
import { likenessProblems } from './partition/likeness.ts'
import {
  attachStep,
  detachBesideDefaultStep,
  detachStep,
  letGoStep,
  type Parting,
  proveSteps,
} from './partition/steps.ts'

/** Makes a table a partition of another one, of the same namespace, without a look at its rows under a lock. */
export interface AttachPartition {
  readonly kind: 'attach_partition'
  readonly namespace: string
  readonly table: string
  readonly partition: string
  /** As in SQL: `for values from ('2026-01-01') to ('2027-01-01')`. */
  readonly bounds: string
  /**
   * Where there is a default partition that is not small: accepts that a row which is within the bounds and would go there is refused
   * for as long as that partition is read.
   */
  readonly refuseInDefault?: true
}

export const attachPartition: OperationSpec<AttachPartition> = {
  needs: (op) => ({
    tables: [theTable(op), thePart(op)].map((table) => ({ ...table, columns: [] })),
    bounds: [{ table: theTable(op), bounds: op.bounds }],
    questions: [defaultQuestion(op)],
    touches: [theTable(op), thePart(op)].map((table) => ({ table, how: 'uses' })),
  }),

  check: (op, { schema, facts }): readonly BellowsError[] => {
    const [table, part] = [findTable(schema, theTable(op)), findTable(schema, thePart(op))]
    const problems = [
      ...tableProblems(op, table, ['partitioned']),
      ...tableProblems({ ...op, table: op.partition }, part, ['table', 'partitioned']),
    ]
    if (table === undefined || part === undefined || problems.length > 0) return problems
    return [...boundsProblems(op, facts), ...likenessProblems(table, part), ...defaultProblems(op, facts)]
  },

  apply: (op, schema) => attachedSchema(schema, theTable(op), thePart(op)),

  expand: (op, context) => {
    const parting = partingOf(op, context)
    const { table, part, proof } = parting
    const fallback = defaultOf(op, context.facts)
    return [
      lookStep(part, sql`not (${trusted(proof.condition)})`, {
        what: `rows of "${part.name}" that are not within the bounds`,
        otherwise: `Rows of "${part.name}" are not ${op.bounds}`,
      }),
      ...(fallback === undefined
        ? []
        : [
            lookStep(fallback, trusted(proof.condition), {
              what: `rows of "${fallback.name}" that belong to "${part.name}"`,
              otherwise: `Rows of the default partition "${fallback.name}" are ${op.bounds}`,
            }),
          ]),
      ...proveSteps(part, proof, {
        does: `let "${part.name}" take no row that is not within the bounds`,
        proves: `prove that every row of "${part.name}" is within the bounds`,
        hazards: [],
      }),
      ...(fallback === undefined || !isProved(op, fallback) ? [] : defaultSteps(parting, fallback)),
      attachStep(parting, {
        phase: 'expand',
        hazards: [
          {
            code: 'seen_by_all',
            because: `From then on everybody finds the rows of "${part.name}" in "${table.name}".`,
          },
        ],
        ...(fallback === undefined
          ? { locks: [], requires: [], cost: 'instant' }
          : besideDefault(op, fallback)),
      }),
    ]
  },

  backfill: () => [],

  contract: (op, context) => [
    letGoStep(checksOf(op, context), 'purge', `drop what proved "${op.partition}" to be within the bounds`),
  ],

  rollback: (op, context) => {
    const parting = partingOf(op, context)
    const fallback = defaultOf(op, context.facts)
    const hazards = [
      {
        code: 'drops_values' as const,
        because: `Rows that were written to "${op.partition}" since it is attached are no longer found in "${op.table}"; they stay in "${op.partition}".`,
      },
    ]
    return [
      fallback === undefined
        ? detachStep(parting, 'expand', hazards)
        : detachBesideDefaultStep(parting, fallback, hazards),
      letGoStep(checksOf(op, context), 'expand', `let "${op.partition}" take any row again`),
    ]
  },
}

function thePart({ namespace, partition }: AttachPartition): QualifiedName {
  return { namespace, name: partition }
}

function partingOf(op: AttachPartition, { schema, facts, seed }: Context): Parting {
  const [table, part] = [findTable(schema, theTable(op)), findTable(schema, thePart(op))]
  const found = facts.bounds[boundKey({ table: theTable(op), bounds: op.bounds })]
  assert(
    table !== undefined && part !== undefined && found !== undefined && 'proof' in found,
    'steps come after check',
  )
  const proof = { name: namesFor(seed, op.partition, []).proof, condition: found.proof }
  return { table, part, bounds: op.bounds, proof }
}

/** A partition that takes what no other one does. */
interface Fallback extends QualifiedName {
  readonly bytes: number
}

/** That much is read within an instant. */
const DEFAULT_BYTES_MAX = 1_048_576

function defaultQuestion(op: AttachPartition): Sql {
  return sql`select n.nspname as namespace, c.relname as name, pg_catalog.pg_table_size(c.oid) as bytes from pg_catalog.pg_partitioned_table k join pg_catalog.pg_class c on c.oid = k.partdefid join pg_catalog.pg_namespace n on n.oid = c.relnamespace where k.partrelid = pg_catalog.to_regclass(${lit(qualified(theTable(op)))})`
}

function defaultOf(op: AttachPartition, facts: Facts): Fallback | undefined {
  const answer = facts.answers[defaultQuestion(op)]
  const [found] = answer === undefined || 'problem' in answer ? [] : (answer as readonly unknown[])
  return found as Fallback | undefined
}

function isProved(op: AttachPartition, { bytes }: Fallback): boolean {
  return op.refuseInDefault === true && bytes > DEFAULT_BYTES_MAX
}

function boundsProblems(op: AttachPartition, { bounds }: Facts): readonly BellowsError[] {
  const found = bounds[boundKey({ table: theTable(op), bounds: op.bounds })]
  const problem =
    boundsProblem(op.bounds) ?? (found !== undefined && 'problem' in found ? found.problem : undefined)
  return problem === undefined
    ? []
    : [
        refused(
          `The bounds of "${op.partition}" (${op.bounds}) cannot be used: ${problem}.`,
          `Write them as in SQL, such as: for values from ('2026-01-01') to ('2027-01-01')`,
        ),
      ]
}

function defaultProblems(op: AttachPartition, facts: Facts): readonly BellowsError[] {
  const fallback = defaultOf(op, facts)
  if (fallback === undefined || fallback.bytes <= DEFAULT_BYTES_MAX || op.refuseInDefault === true) return []
  return [
    refused(
      `The default partition ${shown(fallback.name)} of "${op.table}" has ${fallback.bytes} bytes, and has to be read for rows that belong to "${op.partition}".`,
      'Say refuse_in_default: true to accept that such a row is refused while it is read; without that nobody could use it meanwhile.',
    ),
  ]
}

function lookStep(
  table: QualifiedName,
  where: Sql,
  { what, otherwise }: { readonly what: string; readonly otherwise: string },
): StepDraft {
  return {
    kind: 'inspect',
    phase: 'expand',
    does: `look for ${what}`,
    hazards: [],
    table,
    offenders: sql`select * from ${qualified(table)} where ${where} limit ${lit(ROWS_SHOWN)}`,
    otherwise: `${otherwise}, so it cannot be attached; nothing was changed.`,
    hint: 'Move or delete those rows, and run the same command again.',
  }
}

const ROWS_SHOWN = 5

function defaultSteps({ part, proof }: Parting, fallback: QualifiedName): readonly StepDraft[] {
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
    },
  )
}

function besideDefault(op: AttachPartition, fallback: Fallback) {
  const small = !isProved(op, fallback)
  return {
    locks: [{ relation: fallback, level: 'access_exclusive' as const, implied: true as const }],
    requires: small
      ? [
          {
            that: isAtMost(fallback, DEFAULT_BYTES_MAX),
            code: 'drift_found' as const,
            otherwise: `the default partition "${fallback.name}" has grown beyond ${DEFAULT_BYTES_MAX} bytes since the plan was made; roll back, and plan anew with refuse_in_default`,
          },
        ]
      : [],
    cost: small ? ('small' as const) : ('instant' as const),
  }
}

function checksOf(op: AttachPartition, context: Context): readonly (readonly [QualifiedName, string])[] {
  const { part, proof } = partingOf(op, context)
  const fallback = defaultOf(op, context.facts)
  return [
    [part, proof.name],
    ...(fallback !== undefined && isProved(op, fallback) ? [[fallback, proof.name] as const] : []),
  ]
}
