import { assert } from '../../errors.ts'
import { id, join, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { columnsNamed, readExclusion } from './read.ts'
import type { Deferrable, KeyRule, Rule } from './rule.ts'

/** What stands behind `ADD CONSTRAINT name`; a key gets there by its index. */
export function definitionSql(rule: Exclude<Rule, KeyRule>): Sql {
  switch (rule.kind) {
    case 'check':
      return sql`check (${trusted(rule.expression)})`
    case 'foreign_key': {
      const match = rule.match === 'full' ? sql` match full` : sql``
      const pointedAt = rule.otherColumns.length === 0 ? sql`` : sql` (${ids(rule.otherColumns)})`
      return sql`foreign key (${ids(rule.columns)}) references ${qualified(rule.other)}${pointedAt}${match}${actionSql('delete', rule.onDelete)}${actionSql('update', rule.onUpdate)}${deferrableSql(rule.deferrable)}`
    }
    case 'exclusion': {
      const read = readExclusion(rule.elements)
      assert('text' in read, 'steps come after check')
      return sql`exclude ${read.text}${deferrableSql(rule.deferrable)}`
    }
  }
}

/** The unique index that a key stands on, from its columns to its end. */
export function keyIndexSql({ columns, include, nullsNotDistinct }: KeyRule): Sql {
  const more = include.length === 0 ? sql`` : sql` include (${ids(include)})`
  const nulls = nullsNotDistinct ? sql` nulls not distinct` : sql``
  return sql`(${ids(columns)})${more}${nulls}`
}

export function deferrableSql(deferrable: Deferrable | undefined): Sql {
  return deferrable === undefined ? sql`` : sql` deferrable ${trusted(deferrable.replace('_', ' '))}`
}

function actionSql(event: 'delete' | 'update', action: string): Sql {
  return action === 'no_action' ? sql`` : sql` on ${trusted(event)} ${trusted(action.replace('_', ' '))}`
}

export function ids(columns: readonly string[]): Sql {
  return join(columns.map(id))
}

/** The columns of its table that a rule is about, as PostgreSQL keeps them with the constraint. */
export function columnsOf(rule: Rule): readonly string[] {
  switch (rule.kind) {
    case 'check':
      return columnsNamed(rule.expression)
    case 'exclusion': {
      const read = readExclusion(rule.elements)
      return 'problem' in read ? [] : read.columns
    }
    default:
      return rule.columns
  }
}

export const RULE_WORDS: Readonly<Record<Rule['kind'], string>> = {
  check: 'check',
  unique: 'unique constraint',
  primary_key: 'primary key',
  foreign_key: 'foreign key',
  exclusion: 'exclusion constraint',
}

/** What a statement does that breaks the rule, as the rest of a sentence about the statement. */
export function breaks(rule: Rule, table: string): string {
  const columns = columnsOf(rule)
    .map((column) => `"${column}"`)
    .join(', ')
  switch (rule.kind) {
    case 'check':
      return `leaves a row of "${table}" for which ${rule.expression} is false`
    case 'unique':
      return `brings a second row with the same ${columns} to "${table}"`
    case 'primary_key':
      return `brings a second row with the same ${columns}, or a row without, to "${table}"`
    case 'foreign_key':
      return `leaves a row of "${table}" whose ${columns} no row of "${rule.other.name}" has`
    case 'exclusion':
      return `brings a row to "${table}" that another one excludes`
  }
}
