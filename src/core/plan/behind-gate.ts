import { assert } from '../errors.ts'
import { canonical } from '../hash.ts'
import { type Sql, sql } from '../sql.ts'
import { called, type Leaver } from './leaver.ts'
import type { GateStep, StepDraft } from './step.ts'

/** What may stand behind a gate. */
export type TakingAway = Exclude<StepDraft, { kind: 'inspect' | 'backfill' | 'verify' | 'gate' }>

/** A step that takes something away, behind the gate of that. */
export function behindGate(leaver: Leaver, step: TakingAway): readonly [Omit<GateStep, 'id'>, StepDraft] {
  return [gateOf(leaver, step.probe), { ...step, retires: leaver }]
}

/** The same of several steps, of which the first one takes it away and the last one ends that. */
export function allBehindGate(leaver: Leaver, [first, ...more]: readonly StepDraft[]): readonly StepDraft[] {
  const last = more.at(-1) ?? first
  assert(
    first !== undefined && last !== undefined && 'probe' in first && 'probe' in last && first.kind !== 'gate',
    'a gate stands before something',
  )
  const begun = sql`(${first.probe} or ${last.probe})`
  return [gateOf(leaver, begun), { ...first, retires: leaver }, ...more]
}

/** Open for good when what it guards is gone, which the probe says. */
export function gateOf(
  leaver: Leaver & Pick<GateStep, 'along' | 'counter'>,
  probe: Sql,
): Omit<GateStep, 'id'> {
  return {
    kind: 'gate',
    phase: 'rollout',
    does: `wait until nobody needs ${called(leaver)}`,
    hazards: [],
    probe,
    ...leaver,
  }
}

/** The same of whatever is the same, wherever it stands. */
export function leaverKey({ table, column, thing }: Leaver): string {
  return canonical([table.namespace, table.name, column ?? null, thing?.called ?? null])
}
