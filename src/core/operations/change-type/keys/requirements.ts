import { nothingIsBound } from '../../../plan/dependents.ts'
import {
  constraintExists,
  constraintIsAsPlanned,
  constraintValidated,
  indexValid,
} from '../../../plan/probes.ts'
import { noStrangers } from '../../../plan/retire.ts'
import type { Requirement } from '../../../plan/step.ts'
import type { Constraint, QualifiedName } from '../../../schema/model.ts'
import { shown, sql } from '../../../sql.ts'
import { readyRequirements } from '../../copy/leave-steps.ts'
import type { Keys, Link, Member } from './keys.ts'

/** What must hold as the columns change their names. */
export function swapRequirements(keys: Keys): readonly Requirement[] {
  const { members, links, along } = keys
  return [
    ...(along?.requires ?? []),
    ...members.flatMap((one) => memberRequirements(one, links)),
    ...keyRequirements(keys),
  ]
}

function memberRequirements(member: Member, links: readonly Link[]): readonly Requirement[] {
  const { table, from, leaving } = member
  return [
    noStrangers(leaving, from),
    {
      that: nothingIsBound(
        table,
        from,
        links.map(({ identity }) => identity),
      ),
      code: 'dependents_found',
      otherwise: `something depends on "${table.name}"."${from}" and would go along with the old column; drop it, contract, and make it anew`,
    },
    ...readyRequirements(member),
  ]
}

function keyRequirements({ primaryKeys, links }: Keys): readonly Requirement[] {
  return [
    ...primaryKeys.flatMap(({ table, key, next, spare }) => [
      asPlanned(table, key),
      ...[next, spare].map(
        (name): Requirement => ({
          that: indexValid({ namespace: table.namespace, name }),
          code: 'drift_found',
          otherwise: `the index "${name}" of "${table.name}" is missing or invalid`,
        }),
      ),
    ]),
    ...links.flatMap(({ table, key, copyName }): readonly Requirement[] => [
      asPlanned(table, key),
      {
        that: key.validated ? constraintValidated(table, copyName) : constraintExists(table, copyName),
        code: 'drift_found',
        otherwise: `the foreign key "${copyName}" on "${table.name}" is missing or not validated`,
      },
    ]),
  ]
}

/** Whether it is validated does not matter: an undo that was interrupted has put it up for new rows alone. */
function asPlanned(table: QualifiedName, { name, definition }: Constraint): Requirement {
  const bare = definition.replace(/ NOT VALID$/, '')
  const isOne = (text: string) => constraintIsAsPlanned(table, name, text)
  return {
    that: sql`(${isOne(bare)} or ${isOne(`${bare} NOT VALID`)})`,
    code: 'drift_found',
    otherwise: `${shown(name)} of "${table.name}" was changed since the plan was made; roll back and begin anew`,
  }
}
