import { assert, type BellowsError } from '../errors.ts'
import { namesFor } from '../plan/names.ts'
import { tableProblems, theTable } from '../plan/table-checks.ts'
import { boundKey } from '../schema/bounds.ts'
import { findTable, type QualifiedName } from '../schema/model.ts'
import { sql, trusted } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import { type AttachPartition, thePart } from './partition/attach.ts'
import { attachedSchema } from './partition/attached-schema.ts'
import { boundsProblems } from './partition/bound-problems.ts'
import {
  besideDefault,
  defaultOf,
  defaultProblems,
  defaultQuestion,
  defaultSteps,
  inDefault,
  isProved,
} from './partition/fallback.ts'
import { type InTheWay, lateLook, lookStep } from './partition/in-the-way.ts'
import { likenessProblems } from './partition/likeness.ts'
import { ownRuleHazards, ownRuleProblems } from './partition/own-rules.ts'
import { pointedAtProblems } from './partition/pointed-at.ts'
import {
  attachStep,
  detachBesideDefaultStep,
  detachStep,
  letGoStep,
  type Parting,
  proveSteps,
} from './partition/steps.ts'
import { hasIdentityOnceTold, identityProblems, toldQuestion } from './partition/told.ts'

export const attachPartition: OperationSpec<AttachPartition> = {
  needs: (op) => ({
    tables: [theTable(op), thePart(op)].map((table) => ({ ...table, columns: [] })),
    bounds: [{ table: theTable(op), bounds: op.bounds }],
    questions: [defaultQuestion(op), toldQuestion(theTable(op), thePart(op))],
    touches: [
      { table: theTable(op), how: 'alters' },
      { table: thePart(op), how: 'replaces' },
    ],
  }),

  check: (op, { schema, facts }): readonly BellowsError[] => {
    const [table, part] = [findTable(schema, theTable(op)), findTable(schema, thePart(op))]
    const problems = [
      ...tableProblems(op, table, ['partitioned']),
      ...tableProblems({ ...op, table: op.partition }, part, ['table', 'partitioned']),
    ]
    if (table === undefined || part === undefined || problems.length > 0) return problems
    return [
      ...boundsProblems(op, facts),
      ...likenessProblems(table, part),
      ...identityProblems(table, part, facts),
      ...(defaultOf(op, facts) === undefined ? [] : ownRuleProblems(table, part)),
      ...pointedAtProblems(
        table,
        'Attach the partition with sql, ALTER TABLE … ATTACH PARTITION, and a reason.',
      ),
      ...defaultProblems(op, facts),
    ]
  },

  apply: (op, schema) => attachedSchema(schema, theTable(op), thePart(op)),

  expand: (op, context) => {
    const parting = partingOf(op, context)
    const { table, part, proof } = parting
    const fallback = defaultOf(op, context.facts)
    const outside: InTheWay = {
      table: part,
      where: sql`not (${trusted(proof.condition)})`,
      what: `rows of "${part.name}" that are not within the bounds`,
      otherwise: `Rows of "${part.name}" are not ${op.bounds}`,
    }
    const beside =
      fallback === undefined
        ? { locks: [], requires: [], cost: 'instant' as const }
        : besideDefault(op, parting, fallback)
    return [
      lookStep(outside),
      ...(fallback === undefined ? [] : [lookStep(inDefault(parting, fallback))]),
      ...proveSteps(part, proof, {
        does: `let "${part.name}" take no row that is not within the bounds`,
        proves: `prove that every row of "${part.name}" is within the bounds`,
        hazards: [],
        refusedBy: lateLook(outside, part),
      }),
      ...(fallback === undefined || !isProved(op, fallback) ? [] : defaultSteps(parting, fallback)),
      attachStep(parting, {
        phase: 'expand',
        hazards: [
          {
            code: 'seen_by_all',
            because: `From then on everybody finds the rows of "${part.name}" in "${table.name}".`,
          },
          ...(fallback === undefined ? [] : ownRuleHazards(table, part)),
        ],
        ...beside,
        requires: [...beside.requires, hasIdentityOnceTold(table, part)],
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

function checksOf(op: AttachPartition, context: Context): readonly (readonly [QualifiedName, string])[] {
  const { part, proof } = partingOf(op, context)
  const fallback = defaultOf(op, context.facts)
  return [
    [part, proof.name],
    ...(fallback !== undefined && isProved(op, fallback) ? [[fallback, proof.name] as const] : []),
  ]
}
