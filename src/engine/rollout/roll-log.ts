import type { RolloutEvent } from '../../core/rollout/event.ts'
import { foldWorkloadRollout, type WorkloadRollout } from '../../core/rollout/workload-rollout.ts'
import type { Driving } from '../context.ts'
import { noRollout } from './begin.ts'
import { noted } from './noted.ts'

/** The roll of a run, as the journal has it at this moment. */
export interface RollLog {
  /** Takes up what was asked for since, so that it is heard once. */
  hear(): Promise<Heard>
  write(...events: readonly RolloutEvent[]): Promise<Heard>
}

export interface Heard {
  readonly rollout: WorkloadRollout
  /** By the clock of the database. */
  readonly nowMs: number
}

/** Reads only what is new: it is asked at every look. */
export function rollLog(engine: Driving, run: number): RollLog {
  let entry = 0
  let known: WorkloadRollout | undefined
  const read = async () => {
    const look = await engine.rollouts.look(run, { entry, request: known?.heard ?? 0 })
    entry = look.entries.at(-1)?.seq ?? entry
    const rollout = foldWorkloadRollout(known, look.entries)
    if (rollout === undefined) throw await noRollout(engine, run)
    known = rollout
    const requests = look.requests.filter(({ seq }) => seq > rollout.heard)
    return { rollout, nowMs: look.nowMs, requests }
  }
  const write = async (...events: readonly RolloutEvent[]) => {
    await noted(engine, run, events)
    return await read()
  }
  return {
    write,
    hear: async () => {
      const heard = await read()
      if (heard.requests.length === 0) return heard
      return await write(...heard.requests.map((request) => ({ kind: 'asked' as const, ...request })))
    },
  }
}
