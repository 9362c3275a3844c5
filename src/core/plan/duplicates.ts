import type { QualifiedName } from '../schema/model.ts'
import { id, join, lit, qualified, type Sql, sql } from '../sql.ts'

/** As many as a person looks at. */
const DUPLICATES_SHOWN = 10

export interface Kept {
  readonly keys: readonly Sql[]
  /** What is shown of each, with the name that it has there. */
  readonly shown: readonly Sql[]
  /** Rows for which one of these does not hold are equal to none. */
  readonly where: readonly Sql[]
}

/** What is there more than once of what is to be kept apart, and how often; the worst first. */
export function duplicatesSql(table: QualifiedName, { keys, shown, where }: Kept): Sql {
  const compared = where.length === 0 ? sql`` : sql` where ${join(where, ' and ')}`
  return sql`select ${join(shown)}, count(*) as ${id('how often')} from ${qualified(table)}${compared} group by ${join(keys)} having count(*) > 1 order by count(*) desc limit ${lit(DUPLICATES_SHOWN)}`
}
