import { BellowsError } from '../core/errors.ts'
import type { Requirement } from '../core/plan/step.ts'
import { type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'

/** Asks the catalog one question. */
export async function holds({ database }: Engine, probe: Sql): Promise<boolean> {
  const [answer] = await database.read<{ holds: boolean }>(sql`select (${probe}) as holds`)
  return answer?.holds === true
}

/**
 * Of what runs outside a transaction: nothing keeps these true while it runs.
 * @throws BellowsError of the first one that does not hold
 */
export async function requireAll(
  engine: Engine,
  { id, requires = [] }: { readonly id: string; readonly requires?: readonly Requirement[] },
): Promise<void> {
  for (const { that, code, otherwise, which } of requires) {
    if (await holds(engine, that)) continue
    const found = which === undefined ? undefined : await textOf(engine, which)
    const said = `${otherwise.charAt(0).toUpperCase()}${otherwise.slice(1)}${found === undefined ? '' : `: ${found}`}`
    throw new BellowsError(code, `${said}.`, { step: id })
  }
}

async function textOf({ database }: Engine, which: Sql): Promise<string | undefined> {
  const [answer] = await database.read<{ found: string | null }>(sql`select (${which}) as found`)
  return answer?.found ?? undefined
}
