import { expressionKey, type Facts } from '../../core/schema/facts.ts'
import { findColumn, findTable } from '../../core/schema/model.ts'
import type { Known, typedDefaults } from './added-columns.ts'
import { readValues } from './row-values.ts'
import { scratchIfAllowed } from './scratch.ts'
import type { Sessions } from './sessions.ts'

type Default = ReturnType<typeof typedDefaults>[number]

/**
 * How the server prints the defaults of columns that the migration copies or makes: whoever works on them has to find them as they were
 * set. And those of columns that have another one, unless both are literals: nothing else tells whether it is another one.
 */
export async function withPrinted(
  expressions: Facts['expressions'],
  defaults: readonly Default[],
  sessions: Sessions,
  known: Known,
): Promise<Facts['expressions']> {
  const found = { ...expressions }
  for (const one of defaults) {
    const { expression, type, table, coming } = one
    const key = expressionKey(expression, type)
    const fact = found[key]
    if (fact === undefined || 'problem' in fact) continue
    if (coming === undefined && !(fact.text === null && (await isToBeCompared(one, sessions, known))))
      continue
    const need = {
      table,
      expression,
      fits: { type },
      as: 'default',
      ...(coming === undefined ? {} : { added: coming }),
    } as const
    const [value] = Object.values(await readValues(sessions, [need], known))
    if (value === undefined) continue
    if (!('problem' in value)) found[key] = { ...fact, printed: value.text }
    else if (coming !== undefined) found[key] = value
  }
  return found
}

/** A role that may not try it plans without. */
async function isToBeCompared(
  { table, column }: Default,
  sessions: Sessions,
  known: Known,
): Promise<boolean> {
  const of = findTable({ tables: known.tables }, table)
  const has = of === undefined ? undefined : findColumn(of, column)
  if (has === undefined || has.default === null) return false
  return (await scratchIfAllowed(sessions)) !== undefined
}
