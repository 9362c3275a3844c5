import { entriesByName } from '../../entries.ts'
import { lit, type Sql, sql, trusted } from '../../sql.ts'
import { STORAGE_PARAMETERS } from './parameters.ts'

/** A storage parameter with its value, as SQL. */
export function optionSql(name: string, value: string): Sql {
  return sql`${trusted(name)} = ${lit(value)}`
}

/** Parameters that the server can be asked about, as SQL: a name that nobody knows is no text to send. */
export function knownOptions(set: Readonly<Record<string, string>>): readonly Sql[] {
  return entriesByName(set)
    .filter(([name]) => STORAGE_PARAMETERS.has(name))
    .map(([name, value]) => optionSql(name, value))
}
