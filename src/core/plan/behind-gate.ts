import { isSameName, type QualifiedName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'
import { called, type Leaver } from './leaver.ts'
import type { GateStep, StepDraft } from './step.ts'

/** Of what is on no table. */
export const NO_TABLE: QualifiedName = { namespace: '', name: '' }

/** A step that takes something away, behind the gate of that. */
export function behindGate(
  leaver: Leaver,
  step: Exclude<StepDraft, { kind: 'inspect' | 'backfill' | 'verify' | 'gate' }>,
): readonly [Omit<GateStep, 'id'>, StepDraft] {
  return [gateOf(leaver, step.probe), { ...step, retires: leaver }]
}

/** Open for good when what it guards is gone, which the probe says. */
export function gateOf(leaver: Leaver & Pick<GateStep, 'along'>, probe: Sql): Omit<GateStep, 'id'> {
  return {
    kind: 'gate',
    phase: 'rollout',
    does: `wait until nobody needs ${called(leaver)}`,
    hazards: [],
    probe,
    ...leaver,
  }
}

export function isSameLeaver(one: Leaver, other: Leaver): boolean {
  return (
    one.thing?.called === other.thing?.called &&
    one.column === other.column &&
    isSameName(one.table, other.table)
  )
}
