import { indexValid } from '../../../plan/probes.ts'
import { noStrangers } from '../../../plan/retire.ts'
import type { Requirement } from '../../../plan/step.ts'
import { readyRequirements } from '../../copy/leave-steps.ts'
import { isAsPlanned, linkStands } from '../../keys/links.ts'
import { identitiesOf } from '../../keys/links-again.ts'
import { goesAlone, staysBehind } from '../steps.ts'
import { type Keys, linksOf } from './keys.ts'
import { isParted, standBack, standRequirements, standThere } from './parted.ts'

/** What must hold as the columns change their names. */
export function swapRequirements(keys: Keys): readonly Requirement[] {
  const { members, along } = keys
  const known = linksOf(keys).flatMap(identitiesOf)
  return [
    ...(along?.requires ?? []),
    ...members.flatMap((member) => [
      goesAlone(member, known),
      noStrangers(member.leaving, member.from),
      ...readyRequirements(member),
    ]),
    ...keyRequirements(keys),
  ]
}

/** What must hold as they change them back. */
export function swapBackRequirements(keys: Keys): readonly Requirement[] {
  const { members, primaryKeys, along } = keys
  const known = linksOf(keys).flatMap(identitiesOf)
  return [
    ...(along?.requiresBack ?? []),
    ...members.map((one) => staysBehind(one, known)),
    ...standRequirements(standBack(primaryKeys)),
  ]
}

function keyRequirements({ primaryKeys, links, anew }: Keys): readonly Requirement[] {
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
    ...linksOf({ links, anew }).map(({ table, key }) => isAsPlanned(table, key, key.definition)),
    ...links.map(linkStands),
  ]
}
