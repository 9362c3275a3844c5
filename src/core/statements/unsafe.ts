import type { Tree } from '../parse.ts'
import { changesAllRows } from './all-rows.ts'
import { DROPPING } from './dropping.ts'
import { addsConstraint, altersBy, isOpaque, isUnknown, locksAnother } from './matches.ts'
import { addsCheckedType, addsColumn } from './new-columns.ts'
import type { Rule, Setting } from './rule.ts'
import { commandsOf, hasOption, kindOf, relationName } from './statement.ts'

/** Statements that hurt clients, each with what to do instead. A rule stays silent on what the same text has made. */
export const UNSAFE: readonly Rule[] = [
  {
    code: 'adds_column_by_rewrite',
    finds: (statement) => addsColumn(statement, 'rewrites'),
    what: 'adds a column whose values are computed for every row',
    why: 'the table is rewritten while nobody can read it',
    instead: 'Use add_column.',
  },
  {
    code: 'adds_checked_column',
    finds: addsCheckedType,
    what: 'adds a column of a domain that checks its values or has a default of its own for each row, or of a type that is not there yet',
    why: 'for such a domain the table is rewritten while nobody can read it',
    instead: 'Take the type that the domain is of, and say what it says with add_constraint.',
  },
  {
    code: 'adds_required_column',
    finds: (statement) => addsColumn(statement, 'required'),
    what: 'adds a NOT NULL column without a default',
    why: 'it fails where there are rows, and old writers do not know the column',
    instead: 'Use add_column with a default.',
  },
  {
    code: 'adds_constrained_column',
    finds: (statement) => addsColumn(statement, 'constrained'),
    what: 'adds a column together with a constraint',
    why: 'the table is read, or an index is built, while nobody can read it',
    instead: 'Use add_column, and add_constraint.',
  },
  {
    code: 'changes_type',
    finds: (statement) => altersBy(statement, 'AT_AlterColumnType'),
    what: 'changes the type of a column',
    why: 'the table and its indexes may be rewritten while nobody can read it',
    instead: 'Use change_type.',
  },
  {
    code: 'sets_not_null',
    finds: (statement) => altersBy(statement, 'AT_SetNotNull') || addsConstraint(statement, 'filled'),
    what: 'sets NOT NULL',
    why: 'the table is read while nobody can use it, and old writers may fail',
    instead: 'Use alter_column.',
  },
  {
    code: 'rewrites_table',
    finds: (statement) =>
      altersBy(
        statement,
        'AT_SetLogged',
        'AT_SetUnLogged',
        'AT_SetTableSpace',
        'AT_SetAccessMethod',
        'AT_SetExpression',
      ) ||
      kindOf(statement) === 'ClusterStmt' ||
      ('VacuumStmt' in statement && hasOption(statement.VacuumStmt.options, 'full')),
    what: 'rewrites a table',
    why: 'nobody can read it meanwhile',
    instead: 'Copy the rows to a new table.',
  },
  {
    code: 'checks_at_once',
    finds: (statement) => addsConstraint(statement, 'checked'),
    what: 'adds a constraint that is checked at once',
    why: 'the whole table is read while nobody can write it',
    instead: 'Use add_constraint; or add it NOT VALID, and validate it in another operation.',
  },
  {
    code: 'refuses_old_writes',
    finds: (statement, setting) =>
      setting.part === 'expand' &&
      (addsConstraint(statement, 'unproved') || buildsUnique(statement)) &&
      isWritten(statement, setting),
    what: 'refuses statements that were taken before',
    why: 'old instances may send some, and NOT VALID spares only the rows that are there',
    instead: 'Use add_constraint or create_index, which wait for the contract; or write "phase: contract".',
  },
  {
    code: 'builds_key_at_once',
    finds: (statement) => addsConstraint(statement, 'built'),
    what: 'builds an index for a constraint',
    why: 'nobody can read the table meanwhile',
    instead: 'Use add_constraint.',
  },
  {
    code: 'validates_with_others',
    finds: (statement, { statements }) =>
      altersBy(statement, 'AT_ValidateConstraint') &&
      (statements.length > 1 || commandsOf(statement).length > 1),
    what: 'validates a constraint together with something else',
    why: 'the locks of the other statements are held while the table is read',
    instead: 'Make it an operation of its own.',
  },
  {
    code: 'attaches_partition',
    finds: (statement) =>
      altersBy(statement, 'AT_AttachPartition') ||
      ('CreateStmt' in statement && statement.CreateStmt.partbound !== undefined),
    what: 'attaches a partition',
    why: 'the partition, and the default one, are read while nobody can use them',
    instead: 'Use attach_partition; a new one that is empty needs a reason only.',
  },
  {
    code: 'builds_index',
    finds: (statement) => 'IndexStmt' in statement && statement.IndexStmt.concurrent !== true,
    what: 'builds an index',
    why: 'nobody can write the table meanwhile',
    instead: 'Use create_index.',
  },
  {
    code: 'rebuilds_index',
    finds: (statement) =>
      'ReindexStmt' in statement && !hasOption(statement.ReindexStmt.params, 'concurrently'),
    what: 'builds an index anew',
    why: 'nobody can use the table meanwhile',
    instead: 'Write REINDEX … CONCURRENTLY, with "outside_transaction: true".',
  },
  {
    code: 'refreshes_view',
    finds: (statement) =>
      'RefreshMatViewStmt' in statement && statement.RefreshMatViewStmt.concurrent !== true,
    what: 'refreshes a materialized view',
    why: 'nobody can read it meanwhile',
    instead: 'Give it a unique index, and write REFRESH MATERIALIZED VIEW CONCURRENTLY.',
  },
  {
    code: 'locks_table',
    finds: (statement) => kindOf(statement) === 'LockStmt',
    what: 'locks a table',
    why: 'clients wait until the step is over',
    instead: 'Leave it out: each statement takes the locks that it needs.',
  },
  {
    code: 'locks_several_tables',
    finds: locksAnother,
    what: 'locks one table while another one is locked',
    why: 'clients of the first wait as long as it takes to get the second',
    instead: 'Make it an operation of its own.',
  },
  {
    code: 'changes_all_rows',
    finds: changesAllRows,
    what: 'changes every row of a table',
    why: 'all of them stay locked until the step is over, and it may not end in time',
    instead: 'Fill a new column with rename_column or add_column, or change the rows in batches of your own.',
  },
  {
    code: 'truncates',
    finds: (statement) => kindOf(statement) === 'TruncateStmt',
    what: 'empties a table',
    why: 'the rows are gone',
    instead: 'Delete the rows that nobody needs, in batches of your own.',
  },
  ...DROPPING,
  {
    code: 'renames',
    finds: (statement, { part }) =>
      part !== 'down' && ['RenameStmt', 'AlterObjectSchemaStmt'].includes(kindOf(statement)),
    what: 'gives something another name',
    why: 'old instances use the old name, and new ones the new name',
    instead: 'For a column use rename_column; for the rest make a new thing, and drop the old one later.',
  },
  {
    code: 'renames_value',
    finds: (statement, { part }) =>
      part !== 'down' && 'AlterEnumStmt' in statement && statement.AlterEnumStmt.oldVal !== undefined,
    what: 'gives a value of an enum another name',
    why: 'whoever says the old one fails from then on, and whoever says the new one fails before',
    instead:
      'Add the new value with add_enum_value, and let the application write that; or use rename_enum_value.',
  },
  {
    code: 'revokes_early',
    finds: (statement, { part }) =>
      part === 'expand' && 'GrantStmt' in statement && statement.GrantStmt.is_grant !== true,
    what: 'revokes a privilege while old instances run',
    why: 'they may use it',
    instead: 'Write "phase: contract".',
  },
  {
    code: 'alters_domain',
    finds: (statement) =>
      'AlterDomainStmt' in statement && ['C', 'V', 'O'].includes(statement.AlterDomainStmt.subtype ?? ''),
    what: 'puts a constraint on a domain',
    why: 'every table that uses it is read while nobody can write it',
    instead: 'Make a new domain, and change the columns to it.',
  },
  {
    code: 'opaque',
    finds: isOpaque,
    what: 'runs code that nobody can look into (DO, CALL, EXECUTE, or a function that may do more than give a value)',
    why: 'its locks and its effects are not known',
    instead: 'Write its statements.',
  },
  {
    code: 'unknown_effect',
    finds: (statement, { part }) => part !== 'down' && isUnknown(statement),
    what: 'does what no rule knows',
    why: 'instances that run may fail, or lose what they write',
    instead: 'Use the operation for it, if there is one.',
  },
  {
    code: 'reaches_the_server',
    finds: (statement) => 'CopyStmt' in statement && statement.CopyStmt.filename !== undefined,
    what: 'reads or writes a file or a program of the server',
    why: 'what happens there is not taken back',
    instead: 'Load the rows with psql, before or after the migration.',
  },
]

function isWritten(statement: Tree.Node, { namespace, known }: Setting): boolean {
  const relation =
    'IndexStmt' in statement
      ? statement.IndexStmt.relation
      : 'AlterTableStmt' in statement && statement.AlterTableStmt.relation
  return !relation || known?.written?.(relationName(relation, namespace)) !== false
}

/** Whoever stops the writers is told that alone. */
function buildsUnique(statement: Tree.Node): boolean {
  return (
    'IndexStmt' in statement && statement.IndexStmt.unique === true && statement.IndexStmt.concurrent === true
  )
}
