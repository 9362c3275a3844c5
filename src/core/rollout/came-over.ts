import type { RolloutHistory } from './begin.ts'
import type { RolloutStarted, RollStarted } from './event.ts'
import { rolloutsIn } from './history.ts'
import { replacesSame } from './overtaken.ts'

/** A version that is to stay, and the place in the journal from which on newer ones may have taken its place. */
export interface Stayed {
  readonly version: string
  readonly seq: number
}

/** Where the last rollout of it by then began, if there was one: whatever was there before that may have run before the migration. */
export function stoodFrom({ version, seq }: Stayed, history: RolloutHistory): number {
  return rolloutsIn(history).findLast((one) => one.seq <= seq && one.begun.version === version)?.seq ?? seq
}

/**
 * The version that is to stay by now. One that replaced nothing but such as were to stay, and was never there before, was built for
 * the schema as these left it, so it is to stay in their place. What was gone back to is not, nor what came in where nothing ran.
 * @param history of all runs
 * @param registered versions of instances that were there before it stood
 */
export function cameOver(stayed: Stayed, history: RolloutHistory, registered: readonly string[]): string {
  const from = stoodFrom(stayed, history)
  const rollouts = rolloutsIn(history)
  const own = rollouts.find(({ seq }) => seq === from)?.begun
  const ahead = rollouts.filter(({ seq }) => seq <= from).flatMap(({ begun }) => versionsOf(begun))
  const earlier = new Set([...ahead, ...registered].filter((version) => version !== stayed.version))
  const fit = new Set([stayed.version])
  let staying = stayed.version
  for (const { seq, begun, end } of rollouts) {
    if (seq <= from || (own !== undefined && !replacesSame(begun, own))) continue
    const { version, before } = begun
    const isNew = !earlier.has(version) && before.length > 0 && before.every((one) => fit.has(one.version))
    if (isNew) fit.add(version)
    if (fit.has(version) && end?.outcome === 'done' && seq > stayed.seq) staying = version
  }
  return staying
}

function versionsOf({ version, before }: RolloutStarted | RollStarted): readonly string[] {
  return [version, ...before.map((one) => one.version)]
}
