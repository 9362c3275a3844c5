import { lit, type Sql, sql } from '../sql.ts'

export function commentedSql(object: Sql, comment: string | null): readonly Sql[] {
  return comment === null ? [] : [sql`comment on ${object} is ${lit(comment)}`]
}
