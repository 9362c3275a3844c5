import type { Dependents } from '../schema/model.ts'
import { lit } from '../sql.ts'
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
      offenders: found.map(({ kind, name }) => ({ who: `the ${kind} ${name}`, fix: fixOf(kind, name) })),
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

function fixOf(kind: string, name: string): string {
  const drop = DROPS[kind]?.(name)
  return `change it to do without, or drop it${drop === undefined ? '' : `: ${drop}`}`
}

const plain = (kind: string) => (name: string) => `drop ${kind} ${name}`

/** By the word for what it is; names are as the server prints them. */
const DROPS: Readonly<Record<string, (name: string) => string | undefined>> = {
  view: plain('view'),
  'materialized view': plain('materialized view'),
  function: plain('routine'),
  policy: plain('policy'),
  trigger: plain('trigger'),
  statistics: plain('statistics'),
  constraint: dropConstraint,
  'foreign key': dropConstraint,
  'job of pg_cron': (name) =>
    `select cron.unschedule(${/^number \d+$/.test(name) ? name.slice(7) : lit(name)})`,
}

/** `its_name on public.orders` */
function dropConstraint(name: string): string | undefined {
  const [, constraint, table] = /^(.+) on (.+)$/s.exec(name) ?? []
  return table === undefined ? undefined : `alter table ${table} drop constraint ${constraint}`
}
