import { expressionKey, type Facts } from '../../core/schema/facts.ts'
import type { Known, typedDefaults } from './added-columns.ts'
import { readValues } from './row-values.ts'
import type { Sessions } from './sessions.ts'

/** How the server prints the defaults of columns that the migration copies or makes: whoever works on them has to find them as they were set. */
export async function withPrinted(
  expressions: Facts['expressions'],
  defaults: ReturnType<typeof typedDefaults>,
  sessions: Sessions,
  known: Known,
): Promise<Facts['expressions']> {
  const found = { ...expressions }
  for (const { expression, type, table, coming } of defaults) {
    const key = expressionKey(expression, type)
    const fact = found[key]
    if (coming === undefined || fact === undefined || 'problem' in fact) continue
    const need = { table, expression, fits: { type }, as: 'default', added: coming } as const
    const [value] = Object.values(await readValues(sessions, [need], known))
    if (value !== undefined) found[key] = 'problem' in value ? value : { ...fact, printed: value.text }
  }
  return found
}
