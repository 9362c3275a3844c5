import type { Sql } from '../../../src/core/sql.ts'

/** The one JSON value that a statement has as a literal; see `lit` of core/sql.ts. */
export function jsonIn(statement: Sql): unknown {
  const [, escaped, text = ''] = /( e)?'(\{.*\})'/s.exec(statement) ?? []
  const plain = text.replaceAll("''", "'")
  return JSON.parse(escaped === undefined ? plain : plain.replaceAll('\\\\', '\\'))
}
