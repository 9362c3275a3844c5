import type { Phase } from '../plan/step.ts'

export type RunState =
  | 'planned'
  | 'expanding'
  | 'backfilling'
  | 'verifying'
  | 'rolling_out'
  | 'retiring'
  | 'purging'
  | 'completed'
  | 'rolling_back'
  | 'rolled_back'

/** "Failed" and "paused" are not states: the last event says why a run stands still, and driving again resumes it. */
export const TRANSITIONS: Readonly<Record<RunState, readonly RunState[]>> = {
  planned: ['expanding', 'backfilling', 'verifying', 'rolling_out', 'rolling_back'],
  // A phase without steps is passed over, so each may lead to any later one.
  expanding: ['backfilling', 'verifying', 'rolling_out', 'completed', 'rolling_back'],
  backfilling: ['verifying', 'rolling_out', 'completed', 'rolling_back'],
  // Back to backfilling when a version is taken back: its rows are looked at again.
  verifying: ['rolling_out', 'completed', 'backfilling', 'rolling_back'],
  // What has no column to hide first, such as a constraint, is dropped from here.
  rolling_out: ['retiring', 'purging', 'completed', 'backfilling', 'rolling_back'],
  // Undo leads back to rolling_out; everything is still there.
  retiring: ['purging', 'rolling_out', 'rolling_back'],
  // The point of no return is the missing arrow.
  purging: ['completed'],
  completed: [],
  rolling_back: ['rolled_back'],
  rolled_back: [],
}

/** May a run that is in one state be written down as being in another? */
export function mayEnter(from: RunState, to: RunState): boolean {
  return from === to || TRANSITIONS[from].includes(to)
}

export const STATE_OF_PHASE: Readonly<Record<Phase, RunState>> = {
  expand: 'expanding',
  backfill: 'backfilling',
  verify: 'verifying',
  rollout: 'rolling_out',
  retire: 'retiring',
  purge: 'purging',
}
