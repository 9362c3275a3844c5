import { type RolloutWish, servingIn } from './begin.ts'
import type { FleetInstance } from './fleet.ts'
import { slotName } from './rollout.ts'
import { countOf, type RolloutRules } from './rules.ts'
import { counted, secondsOf } from './words.ts'

/** What a rollout would do to each role. */
export interface RolePreview {
  readonly role: string
  /** Versions that are there now. */
  readonly from: readonly string[]
  readonly replaced: number
  readonly added: number
  readonly removed: number
  /** Of the wanted version already. */
  readonly kept: number
}

export interface RolloutPreview {
  readonly version: string
  readonly roles: readonly RolePreview[]
  /** For people, before anything begins. */
  readonly lines: readonly string[]
}

export function previewOf(wish: RolloutWish, fleet: readonly FleetInstance[]): RolloutPreview {
  const living = fleet.filter(({ state }) => state !== 'gone')
  const others = [...new Set(living.map(({ role }) => role))].filter(
    (role) => !wish.roles.some((one) => one.role === role),
  )
  const wanted = [...wish.roles, ...others.toSorted().map((role) => ({ role, instances: 0 }))]
  const roles = wanted.map(({ role, instances }) => roleOf(wish, living, role, instances))
  return {
    version: wish.version,
    roles,
    lines: linesOf(wish, roles, servingIn(fleet, wish.rules).length === 0),
  }
}

function roleOf(
  { version, rules }: RolloutWish,
  fleet: readonly FleetInstance[],
  role: string,
  instances: number,
): RolePreview {
  const there = fleet.filter((one) => one.role === role)
  const serving = servingIn(there, rules).filter(({ slot }) => slot <= instances)
  const kept = serving.filter((one) => one.version === version)
  return {
    role,
    from: [...new Set(there.map((one) => one.version))].filter((one) => one !== version),
    replaced: serving.length - kept.length,
    added: instances - serving.length,
    removed: new Set(there.filter(({ slot }) => slot > instances).map(slotName)).size,
    kept: kept.length,
  }
}

function linesOf(
  { version, rules }: RolloutWish,
  roles: readonly RolePreview[],
  isFirst: boolean,
): readonly string[] {
  const total = (count: (role: RolePreview) => number) => roles.reduce((sum, role) => sum + count(role), 0)
  const replaced = total((role) => role.replaced)
  const added = total((role) => role.added)
  const removed = total((role) => role.removed)
  if (replaced + added + removed === 0) return [`every instance serves "${version}" already`]
  const said = [
    ...(replaced > 0 ? [`replace ${counted(replaced, 'instance')}, ${batchWords(rules)}`] : []),
    ...(added > 0 ? [`start ${added}${replaced > 0 ? ' more' : ''}`] : []),
    ...(removed > 0 ? [`remove ${removed}`] : []),
  ]
  return [
    `will ${said.join(', ')}`,
    ...roles.map((role) => `  ${role.role}: ${roleWords(role, version)}`),
    ...(isFirst ? [] : [canaryWords(rules)]),
    `  when it fails: ${FAILURE_WORDS[rules.onFailure]}`,
  ]
}

function batchWords({ batch, order }: RolloutRules): string {
  return `${typeof batch === 'number' ? countOf(batch, 1) : batch} at a time, ${order === 'start-first' ? 'each new one before the old one goes' : 'each old one before the new one comes'}`
}

function roleWords({ from, replaced, added, removed, kept }: RolePreview, version: string): string {
  const parts = [
    ...(replaced > 0 ? [`${replaced} from "${from.join('", "')}" to "${version}"`] : []),
    ...(added > 0 ? [`${added} new of "${version}"`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
    ...(kept > 0 ? [`${kept} as they are`] : []),
  ]
  return parts.length === 0 ? 'nothing' : parts.join(', ')
}

function canaryWords({ canary }: RolloutRules): string {
  if (canary.instances === 0) return '  without a canary'
  const { pauseMs } = canary
  const pause =
    pauseMs === 'manual'
      ? ', then it waits for "bellows deploy resume"'
      : pauseMs === 0
        ? ''
        : `, watched for ${secondsOf(pauseMs)}`
  return `  first ${counted(canary.instances, 'instance')} as a canary${pause}`
}

const FAILURE_WORDS: Readonly<Record<RolloutRules['onFailure'], string>> = {
  rollback: 'the earlier version is brought back everywhere',
  pause: 'it stands still for somebody to look at it',
  continue: 'it goes on with the others, and stands still at the end',
}
