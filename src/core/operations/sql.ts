import type { OperationSpec } from './operation.ts'
import { sqlProblems } from './sql/checks.ts'
import { withForeignKeys } from './sql/foreign-keys.ts'
import { indexQuestions } from './sql/index-tables.ts'
import { knownQuestions } from './sql/known.ts'
import { probeOf, probeQuestion } from './sql/probe.ts'
import { madeBy, type RunSql, relationsOf } from './sql/run-sql.ts'
import { contractSteps, downStep, upStep } from './sql/steps.ts'

export const runSql: OperationSpec<RunSql> = {
  needs: (op) => {
    const probe = probeOf(op)
    return {
      tables: relationsOf(op).map((relation) => ({ ...relation, columns: [] })),
      questions: [
        ...(probe === undefined ? [] : [probeQuestion(probe)]),
        ...indexQuestions(op),
        ...knownQuestions(op),
      ],
      touches: [
        ...relationsOf(op).map((table) => ({ table, how: 'alters' as const })),
        ...madeBy(op).map((table) => ({ table, how: 'adds' as const })),
      ],
    }
  },

  check: sqlProblems,

  apply: withForeignKeys,

  expand: (op, context) => (op.phase === 'expand' ? [upStep(op, context)] : []),

  backfill: () => [],

  contract: (op, context) => (op.phase === 'contract' ? contractSteps(op, context) : []),

  rollback: (op, context) => (op.down === undefined ? [] : [downStep(op, context, op.down)]),
}
