import { isSameName, type QualifiedName } from '../schema/model.ts'
import type { GateStep, Leaver, Step, StepDraft } from './step.ts'
import type { Thing } from './thing.ts'

/** Of what is on no table. */
export const NO_TABLE: QualifiedName = { namespace: '', name: '' }

/** A step that takes something away which no instance declares, behind the gate of that. */
export function behindGate(
  table: QualifiedName,
  thing: Thing,
  step: Exclude<StepDraft, { kind: 'inspect' | 'backfill' | 'verify' | 'gate' }>,
): readonly [Omit<GateStep, 'id'>, StepDraft] {
  const leaver: Leaver = { table, thing }
  return [
    {
      kind: 'gate',
      phase: 'rollout',
      does: `wait until nobody needs ${thing.called}`,
      hazards: [],
      probe: step.probe,
      ...leaver,
    },
    { ...step, retires: leaver },
  ]
}

export function isSameLeaver(one: Leaver, other: Leaver): boolean {
  return (
    one.thing?.called === other.thing?.called &&
    one.column === other.column &&
    isSameName(one.table, other.table)
  )
}

/** The step that takes away what a gate guards. */
export function guardedStep(steps: readonly Step[], gate: GateStep): Step | undefined {
  return steps.find(({ retires }) => retires !== undefined && isSameLeaver(retires, gate))
}
