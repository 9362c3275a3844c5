import { isTransaction, type Step } from './step.ts'

/** Phases in which nobody waits for the next step, and nothing is half taken away. */
const MAY_WAIT: readonly Step['phase'][] = ['expand', 'backfill', 'verify']
/** They are held in front of each partition. */
const BY_PARTS: readonly Step['kind'][] = ['index_parts', 'validate_parts', 'foreign_key_parts']
const KINDS: readonly Step['kind'][] = ['concurrent_index', ...BY_PARTS]

/**
 * Does the server read or write a whole table for it, in one statement or in one for each partition? That cannot be paused once it is
 * under way, so it does not begin while somebody has asked for a pause. A way back goes on.
 */
export function isHeldByHand(step: Step): boolean {
  if (step.undoes !== undefined || !MAY_WAIT.includes(step.phase)) return false
  return isTransaction(step) ? step.cost === 'scan' || step.cost === 'unknown' : KINDS.includes(step.kind)
}

export function goesByParts({ kind }: Step): boolean {
  return BY_PARTS.includes(kind)
}
