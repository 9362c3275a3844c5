import { BellowsError } from '../../errors.ts'
import type { Constraint, Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { partsOf, printedConstraint } from '../../statements/statement.ts'
import { foreignKeyRule, type Rule } from './rule.ts'

export function findConstraint(table: Table, name: string): Constraint | undefined {
  return table.constraints.find((one) => one.name === name)
}

export function constraintMissing(table: Table, name: string): BellowsError {
  const names = table.constraints.map((one) => shown(one.name)).join(', ')
  return new BellowsError('constraint_not_found', `The table "${table.name}" has no constraint "${name}".`, {
    hint: names === '' ? 'It has none.' : `It has ${names}.`,
  })
}

/** The rule behind a constraint that can come up again, as far as rows against it must be looked for. */
export function ruleOf({ kind, definition, references }: Constraint): Rule | undefined {
  if (kind === 'check') return { kind, expression: conditionIn(definition) }
  if (kind !== 'foreign_key' || references === null) return undefined
  const key = printedConstraint(definition)
  if (key === undefined) return undefined
  return foreignKeyRule(partsOf(key.fk_attrs), partsOf(key.pk_attrs), {
    namespace: references.namespace,
    table: references.name,
    match: key.fk_matchtype === 'f' ? 'full' : 'simple',
  })
}

/** PostgreSQL prints `CHECK ((a > 0)) NO INHERIT NOT VALID`. */
function conditionIn(definition: string): string {
  return definition.replace(/^CHECK /, '').replace(/( NO INHERIT)?( NOT VALID)?$/, '')
}
