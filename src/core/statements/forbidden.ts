import {
  altersBy,
  isOutside,
  namesJournal,
  setsOfSession,
  sortsBehindDualWrite,
  touchesDualWrite,
} from './matches.ts'
import type { Rule } from './rule.ts'
import { isQualified, kindOf } from './statement.ts'

/** Statements that would break the run itself: no reason makes them safe. */
export const FORBIDDEN: readonly Rule[] = [
  {
    code: 'transaction_control',
    finds: (statement) => kindOf(statement) === 'TransactionStmt',
    what: 'begins or ends a transaction',
    why: 'the step and its record in the journal are one transaction, which Bellows ends',
    instead: 'Leave it out.',
  },
  {
    code: 'session_setting',
    finds: setsOfSession,
    what: 'changes the session of the driver',
    why: 'its bounds, its role and its lock on the database are what keeps the run safe',
    instead: 'Leave it out; SET LOCAL of a setting that is no bound and no search_path is allowed.',
  },
  {
    code: 'needs_outside',
    finds: (statement, { outside }) => !outside && isOutside(statement),
    what: 'cannot run in a transaction',
    why: 'PostgreSQL refuses it there',
    instead: 'Make it a step of its own, with "outside_transaction: true".',
  },
  {
    code: 'outside_for_nothing',
    finds: (statement, { outside }) => outside && !isOutside(statement),
    what: 'can run in a transaction',
    why: 'outside of one it could be done and not recorded',
    instead: 'Leave "outside_transaction" out.',
  },
  {
    code: 'outside_alone',
    finds: (_statement, { outside, statements }) => outside && statements.length > 1,
    what: 'is not alone outside a transaction',
    why: 'half of the statements could be done, and nobody could tell which',
    instead: 'Make each an operation of its own.',
  },
  {
    code: 'outside_unqualified',
    finds: (statement, { outside }) => outside && !isQualified(statement),
    what: 'names a relation without its namespace',
    why: 'outside a transaction there is no search_path',
    instead: 'Write the namespace, such as public.users.',
  },
  {
    code: 'outside_without_name',
    finds: (statement, { outside }) =>
      outside && 'IndexStmt' in statement && statement.IndexStmt.idxname === undefined,
    what: 'builds an index without a name',
    why: 'what an interrupted build leaves could not be found again',
    instead: 'Give it a name; or use create_index.',
  },
  {
    code: 'dual_write_touched',
    finds: touchesDualWrite,
    what: 'changes a trigger of Bellows',
    why: 'it keeps two shapes in step, and writes would be lost',
    instead: 'Leave it alone: it goes with its run.',
  },
  {
    code: 'client_copy',
    finds: (statement) => 'CopyStmt' in statement && statement.CopyStmt.filename === undefined,
    what: 'copies from or to the client',
    why: 'nobody sends or takes the rows',
    instead: 'Load the rows with psql, before or after the migration.',
  },
  {
    code: 'journal_touched',
    finds: namesJournal,
    what: 'names the namespace "bellows"',
    why: 'the journal of all runs is in there',
    instead: 'Leave it out.',
  },
  {
    code: 'trigger_behind_dual_write',
    finds: sortsBehindDualWrite,
    what: 'makes a row trigger that fires behind the dual write',
    why: 'it could change a row after both shapes were put in step',
    instead: 'Give it a name that sorts before "zzz_bellows".',
  },
  {
    code: 'dual_write_disabled',
    finds: (statement) => altersBy(statement, 'AT_DisableTrigAll', 'AT_DisableTrigUser'),
    what: 'disables all triggers',
    why: 'the dual write of a run would be among them, and writes would be lost',
    instead: 'Disable the one trigger by its name.',
  },
]
