import { BellowsError } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { readExpression, readType } from '../../core/parse.ts'
import { expressionKey, type Facts } from '../../core/schema/facts.ts'
import { lit, qualified, type Sql, sql, trusted } from '../../core/sql.ts'
import { type Scratch, scratchIfAllowed } from './scratch.ts'
import type { Sessions } from './sessions.ts'

/** How the server prints the defaults of domains, each said of a domain like the real one that nothing stays of. */
export async function withDomainDefaults(
  sessions: Sessions,
  expressions: Facts['expressions'],
  needs: Needs['expressions'],
): Promise<Facts['expressions']> {
  const found = { ...expressions }
  if (!needs.some(({ ofDomain }) => ofDomain === true)) return found
  // Whoever may make neither a temporary table nor a namespace may still change the domain.
  const scratch = await scratchIfAllowed(sessions)
  if (scratch === undefined) return found
  for (const { expression, type, ofDomain } of needs) {
    const key = expressionKey(expression, type)
    const known = found[key]
    if (ofDomain === undefined || known === undefined || 'problem' in known) continue
    const [text, domain] = [readExpression(expression), readType(type)]
    if (typeof text !== 'string' || typeof domain !== 'string') continue
    const printed = await printedAs({ sessions, scratch }, text, domain).catch((error: unknown) => {
      if (error instanceof BellowsError && error.code === 'statement_failed') return error
      throw error
    })
    if (printed !== undefined)
      found[key] = typeof printed === 'string' ? { ...known, printed } : { problem: printed.message }
  }
  return found
}

interface Asked {
  readonly sessions: Sessions
  readonly scratch: Scratch
}

async function printedAs(
  { sessions, scratch }: Asked,
  expression: Sql,
  domain: Sql,
): Promise<string | undefined> {
  const [base] = await sessions.read<{ type: string }>(sql`
select pg_catalog.format_type(t.typbasetype, t.typtypmod) as type
  from pg_catalog.pg_type t where t.oid = pg_catalog.to_regtype(${lit(domain)}) and t.typtype = 'd'`)
  if (base === undefined) return undefined
  const like = qualified({ namespace: scratch.namespace, name: 'bellows_domain' })
  const answers = await scratch.try([
    sql`create domain ${like} as ${trusted(base.type)} default ${expression}`,
    sql`select pg_catalog.pg_get_expr(t.typdefaultbin, 'pg_catalog.pg_type'::pg_catalog.regclass) as printed
  from pg_catalog.pg_type t where t.oid = ${lit(like)}::pg_catalog.regtype`,
  ])
  const [row] = answers.at(-1) as unknown as readonly [{ printed: string } | undefined]
  return row?.printed
}
