import type { RolloutOutcome } from '../../core/rollout/event.ts'
import type { WorkloadRollout } from '../../core/rollout/workload-rollout.ts'
import type { Rolled } from '../roller.ts'
import type { Verdict } from './conclude.ts'
import type { Observed } from './observe.ts'
import type { RollLog } from './roll-log.ts'

/** Why there is nothing to do, before anything is looked at; undefined when there is. */
export async function standing(log: RollLog, rollout: WorkloadRollout): Promise<Verdict | undefined> {
  const { outcome, endedBecause, paused, abortedBy } = rollout
  if (outcome !== undefined) return { is: outcome, because: endedBecause ?? '' }
  if (abortedBy !== undefined) return isLeftAlone(rollout) ? await ended(log, 'abandoned', []) : undefined
  if (paused === undefined || paused.kind === 'asked') return undefined
  return { is: 'paused', because: paused.because }
}

/** What became of it is written down, where it is more than that somebody has to wait longer. */
export async function settled(log: RollLog, { because, ...what }: Rolled | Observed): Promise<Verdict> {
  const { rollout } = await log.hear()
  const { abortedBy, paused } = rollout
  switch (what.state) {
    case 'rolled':
      return await ended(log, 'done', because)
    case 'taken_back':
      return await ended(log, 'rolled_back', [...because, ...what.back])
    case 'overtaken':
    case 'refused':
      return await ended(log, 'abandoned', because)
    case 'stuck': {
      const all = [...because, ...what.back]
      return abortedBy === undefined ? await stopped(log, all) : await ended(log, 'abandoned', all)
    }
    case 'paused':
      if (abortedBy !== undefined) return await ended(log, 'abandoned', [])
      await log.write({ kind: 'paused', because: paused?.because ?? '', held: true })
      return { is: 'paused', because: paused?.because ?? '' }
    case 'draining':
    case 'waiting':
      return { is: 'waiting', because: because.join('; ') }
  }
}

/** Nobody takes back what somebody else brings in, or what is on its way back already. */
function isLeftAlone({ mode, direction }: WorkloadRollout): boolean {
  return mode === 'observe' || direction === 'back'
}

async function ended(log: RollLog, outcome: RolloutOutcome, reasons: readonly string[]): Promise<Verdict> {
  const { rollout } = await log.hear()
  const because = reasons.length === 0 ? abortedWords(rollout) : reasons.join('; ')
  await log.write({ kind: 'ended', outcome, because })
  return { is: outcome, because }
}

function abortedWords({ abortedBy, direction, turnedBecause }: WorkloadRollout): string {
  const back = direction === 'back' ? ` on the way back, after: ${turnedBecause}` : ''
  return `aborted by ${abortedBy}${back}`
}

/** For somebody to look at. */
async function stopped(log: RollLog, reasons: readonly string[]): Promise<Verdict> {
  const because = reasons.join('; ')
  await log.write({ kind: 'paused', because })
  return { is: 'paused', because }
}
