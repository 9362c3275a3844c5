import type { Dependents } from '../schema/model.ts'
import { type GateCheck, green } from './check.ts'
import type { DeclaredClient } from './clients.ts'

/** E6: no view, function body, policy, publication, job or anything else names the column. It cannot be gone without. */
export function dependentsCheck(
  column: string,
  { found, areJobsHidden }: Dependents,
  clients: readonly DeclaredClient[],
): GateCheck {
  if (found.length > 0)
    return {
      check: 'dependents',
      state: 'red',
      code: 'dependents_found',
      because: found.map(({ kind, name }) => `the ${kind} ${name} depends on ${column}`),
      offenders: found.map(({ kind, name }) => ({
        who: `the ${kind} ${name}`,
        fix: 'change it to do without, or drop it',
      })),
      hint: 'Change each to do without it, or drop it; Bellows never drops what it did not make.',
    }
  if (areJobsHidden && !clients.some(answersForJobs))
    return {
      check: 'dependents',
      state: 'unknown',
      code: 'gate_closed',
      because: [`pg_cron is installed, and this role does not see all of its jobs; one may use ${column}`],
      offenders: [],
      hint: 'Let it see them: grant usage on schema cron to <role>; grant select on cron.job to <role>; alter role <role> bypassrls. Or have somebody answer for them: bellows clients add pg_cron --application pg_cron --owner <who>',
    }
  return green('dependents', [`nothing depends on ${column}`])
}

/** The sessions of pg_cron are called so, whatever role a job has. */
function answersForJobs({ role, applicationName }: DeclaredClient): boolean {
  return role === null && applicationName === 'pg_cron'
}
