import { BellowsError } from '../../errors.ts'
import { problemOf, stopped } from '../../plan/problem-of.ts'
import { isSmall } from '../../plan/small-table.ts'
import { columnMissing, refused, unprovedNulls } from '../../plan/table-checks.ts'
import { conditionKey } from '../../schema/facts.ts'
import { findColumn, primaryKeyOf, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import type { Context } from '../operation.ts'
import { ownConstraintProblems, partRuleProblems } from './by-parts.ts'
import { triedProblems } from './exclusion.ts'
import { foreignKeyProblems } from './foreign-key-problems.ts'
import { ruleName, ruleNameProblems } from './name.ts'
import { readCondition, readExclusion } from './read.ts'
import type { CheckRule, ExclusionRule, KeyRule, Rule } from './rule.ts'

const NULLS_NOT_DISTINCT_SINCE = 150_000

/** Everything that is wrong with a rule for a table that is there, and may be changed. */
export function ruleProblems(
  rule: Rule,
  table: Table,
  wantedName: string | undefined,
  context: Context,
): readonly BellowsError[] {
  const own = [...ownProblems(rule, table, context), ...partRuleProblems(rule, table, context.facts)]
  if (own.length > 0) return own
  const name = ruleName(rule, table, wantedName, context)
  return [
    ...triedProblems(rule, table, context.facts),
    ...ruleNameProblems(rule, table, wantedName, context),
    ...(name === undefined ? [] : ownConstraintProblems(table, name)),
  ]
}

/** Rows in the way must be seen to be found. */
export function rowSecurityProblems(table: Table): readonly BellowsError[] {
  if (!table.rowSecurityForced) return []
  return [
    refused(
      `Row security is forced on "${table.name}" for the connected role, which would see only a part of the rows.`,
      'Connect as a role with BYPASSRLS.',
    ),
  ]
}

function ownProblems(rule: Rule, table: Table, context: Context): readonly BellowsError[] {
  const hidden = rowSecurityProblems(table)
  if (hidden.length > 0) return hidden
  switch (rule.kind) {
    case 'check':
      return checkProblems(rule, table, context)
    case 'unique':
    case 'primary_key':
      return keyRuleProblems(rule, table, context)
    case 'foreign_key':
      return [...columnListProblems(rule.columns, table), ...foreignKeyProblems(rule, table, context)]
    case 'exclusion':
      return exclusionProblems(rule, table)
  }
}

/** Columns that are named twice or are not there. */
export function columnListProblems(columns: readonly string[], table: Table): readonly BellowsError[] {
  if (columns.length === 0)
    return [new BellowsError('migration_invalid', `A constraint of "${table.name}" names no column.`)]
  const twice = columns.find((name, at) => columns.indexOf(name) !== at)
  if (twice !== undefined)
    return [new BellowsError('migration_invalid', `The constraint names the column "${twice}" twice.`)]
  return columns.flatMap((name) => columnMissing({ table: table.name }, table, name))
}

function checkProblems({ expression }: CheckRule, table: Table, { facts }: Context): readonly BellowsError[] {
  const read = readCondition(expression)
  const known = facts.conditions[conditionKey(table, expression)]
  const problem = problemOf(read, known)
  if (problem !== undefined)
    return [
      new BellowsError(
        'migration_invalid',
        `The check ${expression} of "${table.name}" cannot be used: ${stopped(problem)}`,
        {
          hint: 'Write one condition on the columns of a row, with functions named in full, such as app.is_code(code).',
        },
      ),
    ]
  if (known === undefined || !('volatility' in known) || known.volatility !== 'volatile') return []
  return [
    refused(
      `The check ${expression} of "${table.name}" is volatile: a row that keeps to it now may break it later.`,
      'Call no function in it that is volatile.',
    ),
  ]
}

function keyRuleProblems(rule: KeyRule, table: Table, { facts }: Context): readonly BellowsError[] {
  const missing = columnListProblems([...rule.columns, ...rule.include], table)
  if (missing.length > 0 || rule.columns.length === 0)
    return missing.length > 0 ? missing : columnListProblems(rule.columns, table)
  const existing = primaryKeyOf(table)
  const isVirtual = (name: string) => findColumn(table, name)?.generated === 'virtual'
  const virtual = [...rule.columns, ...rule.include].find(isVirtual)
  return [
    ...(rule.kind === 'primary_key' && existing !== undefined
      ? [
          refused(
            `"${table.name}" has a primary key already: ${shown(existing.name)}.`,
            'Make it a unique constraint, or drop that key with drop_constraint first.',
          ),
        ]
      : []),
    ...(rule.kind === 'primary_key' ? rule.columns.flatMap((name) => unprovedNulls(table, name)) : []),
    ...(virtual === undefined
      ? []
      : [refused(`"${table.name}"."${virtual}" is a virtual generated column, which has no index.`)]),
    ...(rule.nullsNotDistinct && facts.serverVersion < NULLS_NOT_DISTINCT_SINCE
      ? [refused('NULLS NOT DISTINCT needs PostgreSQL 15 or newer.')]
      : []),
  ]
}

function exclusionProblems({ elements }: ExclusionRule, table: Table): readonly BellowsError[] {
  const read = readExclusion(elements)
  if ('problem' in read)
    return [
      new BellowsError(
        'migration_invalid',
        `The exclusion ${elements} cannot be used: ${stopped(read.problem)}`,
        {
          hint: 'Write what stands behind EXCLUDE, such as: using gist (room with =, during with &&)',
        },
      ),
    ]
  const missing = read.uses.flatMap((name) => columnMissing({ table: table.name }, table, name))
  if (missing.length > 0) return missing
  if (isSmall(table)) return []
  return [
    refused(
      `An exclusion constraint cannot be built while writers go on, and "${table.name}" has ${table.bytes} bytes${table.kind === 'partitioned' ? ' in all its partitions' : ''}: everybody would wait too long.`,
      'Create a table that has the constraint from the start and move the rows there, or keep the rule with a trigger.',
    ),
  ]
}
