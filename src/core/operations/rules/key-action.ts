import { printedStatement, type Tree } from '../../parse.ts'
import type { Constraint } from '../../schema/model.ts'
import { commandsOf, constraintOf } from '../../statements/statement.ts'

const ACTIONS: Readonly<Record<string, string>> = { c: 'CASCADE', n: 'SET NULL', d: 'SET DEFAULT' }

/** What a foreign key does to its rows instead of refusing, such as `ON DELETE CASCADE`. */
export function keyActions(constraint: Constraint): readonly string[] {
  const key = keyOf(constraint)
  return [
    ['DELETE', key?.fk_del_action],
    ['UPDATE', key?.fk_upd_action],
  ].flatMap(([on, what = '']) => (ACTIONS[what] === undefined ? [] : [`ON ${on} ${ACTIONS[what]}`]))
}

function keyOf({ kind, definition }: Constraint): Tree.Constraint | undefined {
  if (kind !== 'foreign_key') return undefined
  const [command] = commandsOf(printedStatement(`alter table t add constraint c ${definition}`))
  return command === undefined ? undefined : constraintOf(command)
}
