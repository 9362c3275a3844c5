import type { OperationSpec } from './operation.ts'
import { sqlProblems } from './sql/checks.ts'
import { probeOf, probeQuestion } from './sql/probe.ts'
import { isAltered, madeBy, type RunSql, relationsOf } from './sql/run-sql.ts'
import { downStep, upStep } from './sql/steps.ts'

export const runSql: OperationSpec<RunSql> = {
  needs: (op) => {
    const probe = probeOf(op)
    return {
      tables: relationsOf(op).map((relation) => ({ ...relation, columns: [] })),
      questions: probe === undefined ? [] : [probeQuestion(probe)],
      touches: [
        ...relationsOf(op).map(
          (table) => ({ table, how: isAltered(op, table) ? 'alters' : 'uses' }) as const,
        ),
        ...madeBy(op).map((table) => ({ table, how: 'adds' as const })),
      ],
    }
  },

  check: sqlProblems,

  apply: (_op, schema) => schema,

  expand: (op, context) => (op.phase === 'expand' ? [upStep(op, context)] : []),

  backfill: () => [],

  contract: (op, context) => (op.phase === 'contract' ? [upStep(op, context)] : []),

  rollback: (op, context) => (op.down === undefined ? [] : [downStep(op, context, op.down)]),
}
