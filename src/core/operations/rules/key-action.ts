import type { Constraint } from '../../schema/model.ts'
import { printedConstraint } from '../../statements/statement.ts'

const ACTIONS: Readonly<Record<string, string>> = { c: 'CASCADE', n: 'SET NULL', d: 'SET DEFAULT' }

/** What a foreign key does to its rows instead of refusing, such as `ON DELETE CASCADE`. */
export function keyActions(constraint: Constraint): readonly string[] {
  const key = constraint.kind === 'foreign_key' ? printedConstraint(constraint.definition) : undefined
  return [
    ['DELETE', key?.fk_del_action],
    ['UPDATE', key?.fk_upd_action],
  ].flatMap(([on, what = '']) => (ACTIONS[what] === undefined ? [] : [`ON ${on} ${ACTIONS[what]}`]))
}
