import { nothingIsBound } from '../../../plan/dependents.ts'
import { indexValid } from '../../../plan/probes.ts'
import { noStrangers } from '../../../plan/retire.ts'
import type { Requirement } from '../../../plan/step.ts'
import { readyRequirements } from '../../copy/leave-steps.ts'
import { isAsPlanned, type Link, linkStands } from '../../keys/links.ts'
import { staysBehind } from '../steps.ts'
import type { Keys, Member } from './keys.ts'

/** What must hold as the columns change their names. */
export function swapRequirements(keys: Keys): readonly Requirement[] {
  const { members, links, along } = keys
  return [
    ...(along?.requires ?? []),
    ...members.flatMap((one) => memberRequirements(one, links)),
    ...keyRequirements(keys),
  ]
}

/** What must hold as they change them back. */
export function swapBackRequirements({ members, links, along }: Keys): readonly Requirement[] {
  const known = links.map(({ identity }) => identity)
  return [...(along?.requiresBack ?? []), ...members.map((one) => staysBehind(one, known))]
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
      isAsPlanned(table, key, key.definition),
      ...[next, spare].map(
        (name): Requirement => ({
          that: indexValid({ namespace: table.namespace, name }),
          code: 'drift_found',
          otherwise: `the index "${name}" of "${table.name}" is missing or invalid`,
        }),
      ),
    ]),
    ...links.flatMap((link) => [isAsPlanned(link.table, link.key, link.key.definition), linkStands(link)]),
  ]
}
