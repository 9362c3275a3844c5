import { altersBy, cascades, drops } from './matches.ts'
import type { Rule } from './rule.ts'
import { kindOf } from './statement.ts'
import { isTakenBack } from './taken-back.ts'

/** What is unsafe because something is gone then. */
export const DROPPING: readonly Rule[] = [
  {
    code: 'drops_column',
    finds: (statement, setting) => altersBy(statement, 'AT_DropColumn') && !isTakenBack(statement, setting),
    what: 'drops a column',
    why: 'old instances may use it, and its values are gone',
    instead: 'Use drop_column.',
  },
  {
    code: 'drops_table',
    finds: (statement, setting) => drops(statement, 'table') && !isTakenBack(statement, setting),
    what: 'drops a table',
    why: 'somebody may use it, and its rows are gone',
    instead: 'Use drop_table.',
  },
  {
    code: 'drops_index',
    finds: (statement) => drops(statement, 'index'),
    what: 'drops an index',
    why: 'whoever reads the table holds it up, and whoever comes later waits',
    instead: 'Use drop_index.',
  },
  {
    code: 'drops_early',
    finds: (statement, { part }) => part === 'expand' && drops(statement, 'other'),
    what: 'drops something while old instances run',
    why: 'they may use it',
    instead: 'Write "phase: contract".',
  },
  {
    code: 'drops_unmade',
    finds: (statement, setting) =>
      setting.part === 'down' &&
      !drops(statement, 'table') &&
      !drops(statement, 'index') &&
      kindOf(statement) === 'DropStmt' &&
      !isTakenBack(statement, setting),
    what: 'drops something that "up" has not made',
    why: 'somebody else made it, and may use it',
    instead: 'Drop what "up" makes, in the words in which it makes it.',
  },
  {
    code: 'cascades',
    finds: cascades,
    what: 'drops whatever depends on it (CASCADE)',
    why: 'nobody has said what that is',
    instead: 'Drop each thing by its name.',
  },
]
