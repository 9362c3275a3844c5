import { indexValid } from '../../../plan/probes.ts'
import { noStrangers } from '../../../plan/retire.ts'
import type { Requirement } from '../../../plan/step.ts'
import { readyRequirements } from '../../copy/leave-steps.ts'
import { isAsPlanned, type Link, linkStands } from '../../keys/links.ts'
import { goesAlone, staysBehind } from '../steps.ts'
import type { Keys } from './keys.ts'
import { isParted, standBack, standRequirements, standThere } from './parted.ts'

/** What must hold as the columns change their names. */
export function swapRequirements(keys: Keys): readonly Requirement[] {
  const { members, links, along } = keys
  return [
    ...(along?.requires ?? []),
    ...members.flatMap((member) => [
      noStrangers(member.leaving, member.from),
      goesAlone(member, identitiesOf(links)),
      ...readyRequirements(member),
    ]),
    ...keyRequirements(keys),
  ]
}

/** What must hold as they change them back. */
export function swapBackRequirements({ members, links, primaryKeys, along }: Keys): readonly Requirement[] {
  return [
    ...(along?.requiresBack ?? []),
    ...members.map((one) => staysBehind(one, identitiesOf(links))),
    ...standRequirements(standBack(primaryKeys)),
  ]
}

function identitiesOf(links: readonly Link[]): readonly string[] {
  return links.map(({ identity }) => identity)
}

function keyRequirements({ primaryKeys, links }: Keys): readonly Requirement[] {
  return [
    ...primaryKeys.map(({ table, key }) => isAsPlanned(table, key, key.definition)),
    ...standRequirements(standThere(primaryKeys)),
    ...primaryKeys
      .filter((one) => !isParted(one))
      .flatMap(({ table, next, spare }) =>
        [next, spare].map(
          (name): Requirement => ({
            that: indexValid({ namespace: table.namespace, name }),
            code: 'drift_found',
            otherwise: `the index "${name}" of "${table.name}" is missing or invalid`,
          }),
        ),
      ),
    ...links.flatMap((link) => [isAsPlanned(link.table, link.key, link.key.definition), linkStands(link)]),
  ]
}
