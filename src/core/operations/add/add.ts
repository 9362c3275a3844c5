import type { ColumnRules } from '../column-rules.ts'
import type { Reasoned } from '../reasoned.ts'

/**
 * Adds a column that old writers need not know: nullable, NOT NULL with a default, or one that PostgreSQL computes. Rows that are
 * there already get its value at once where PostgreSQL can tell it without touching them, and in batches otherwise.
 */
export interface AddColumn extends ColumnRules, Reasoned {
  readonly kind: 'add_column'
  readonly namespace: string
  readonly table: string
  readonly column: string
  /** As in SQL, such as `varchar(20)`. */
  readonly type: string
  readonly nullable: boolean
  /** An SQL expression. One that is not volatile is evaluated once for all rows that are there, a volatile one for each of them. */
  readonly default?: string
  /**
   * An immutable SQL expression over the other columns: the value of rows that are there, and of rows that are written without the
   * column until the contract; the default, if there is one, is for rows where it gives NULL, and for all rows afterwards.
   */
  readonly up?: string
  /** An immutable SQL expression over the other columns, that is computed when the column is read (VIRTUAL), or kept in the row (STORED). */
  readonly generated?: string
  /** Kept in the row, which writes a table anew that is there. So it is before PostgreSQL 18 anyway. */
  readonly stored?: true
  /** A number that PostgreSQL gives to each row. Such a column is never NULL. */
  readonly identity?: 'always' | 'by_default'
  /** The name of a collation of `pg_catalog` or of the namespace of the table. */
  readonly collation?: string
  readonly comment?: string
}
