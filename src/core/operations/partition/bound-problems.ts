import type { BellowsError } from '../../errors.ts'
import { boundsProblem } from '../../plan/bounds.ts'
import { refused, theTable } from '../../plan/table-checks.ts'
import { boundKey } from '../../schema/bounds.ts'
import type { Facts } from '../../schema/facts.ts'
import type { AttachPartition } from './attach.ts'

export function boundsProblems(op: AttachPartition, { bounds }: Facts): readonly BellowsError[] {
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
