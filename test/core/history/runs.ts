import type { Run } from '../../../src/core/run/run.ts'
import type { RunState } from '../../../src/core/run/transitions.ts'

/** A run as far as the history looks at it. */
export function standing(name: string, state: RunState, id = 1): Run {
  return {
    id,
    plan: {
      format: 1,
      migration: {
        name,
        operations: [{ kind: 'drop_column', namespace: 'public', table: 'users', column: 'name' }],
      },
      serverVersion: 180000,
      steps: [],
      rollback: [],
      hash: '',
    },
    state,
    done: new Set(),
    versions: new Set(),
    standsBecause: undefined,
    retiredAt: undefined,
    retiredSeq: undefined,
    purgeAfterMs: undefined,
  }
}
