import type { Dependent } from '../schema/model.ts'
import { type GateCheck, green } from './check.ts'

/** E6: no view, function body, policy, publication or anything else names the column. It cannot be gone without. */
export function dependentsCheck(
  column: string,
  dependents: readonly Pick<Dependent, 'kind' | 'name'>[],
): GateCheck {
  if (dependents.length === 0) return green('dependents', [`nothing depends on ${column}`])
  return {
    check: 'dependents',
    state: 'red',
    code: 'dependents_found',
    because: dependents.map(({ kind, name }) => `the ${kind} ${name} depends on ${column}`),
    offenders: dependents.map(({ kind, name }) => ({
      who: `the ${kind} ${name}`,
      fix: 'change it to use the new column, or drop it',
    })),
    hint: 'Change each to use the new column, or drop it; Bellows never drops what it did not make.',
  }
}
