import { BellowsError } from '../errors.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Hazard } from './hazard.ts'
import { HOLD_MAX_MS, holdMs, stoppedBy } from './hold.ts'
import type { StepDraft } from './step.ts'

/** Of a migration whose steps would hold everybody up for too long, and nobody has said why that may be. */
export function holdProblems(
  { operations }: Migration,
  planned: readonly { readonly forward: readonly StepDraft[]; readonly back: readonly StepDraft[] }[],
  serverVersion: number,
): readonly BellowsError[] {
  return planned.flatMap(({ forward, back }, at) => {
    const op = operations[at]
    if (op === undefined || !takesReason(op) || op.unsafe !== undefined) return []
    const held = [...forward, ...back].flatMap((step) => {
      const ms = tooLongMs(step, serverVersion)
      return ms === undefined ? [] : [{ step, ms }]
    })
    const [longest] = held.sort((a, b) => b.ms - a.ms)
    if (longest === undefined) return []
    const { does } = longest.step
    return [
      new BellowsError(
        'plan_refused',
        `To ${does} holds everybody up for some ${longest.ms} ms, in which nobody can use ${stoppedBy(longest.step).length} tables: for more than ${HOLD_MAX_MS} ms somebody has to say why.`,
        {
          hint: 'Detach partitions first, as far as they can be missed, or drop a foreign key between partitioned tables for the time of the migration. If all may wait, say why: unsafe: "<reason>".',
        },
      ),
    ]
  })
}

function tooLongMs(step: StepDraft, serverVersion: number): number | undefined {
  const ms = holdMs(step, serverVersion) ?? 0
  return ms > HOLD_MAX_MS ? ms : undefined
}

/** What people are told of a step that takes that long, and why it may. */
export function holdHazards(step: StepDraft, op: Operation, serverVersion: number): readonly Hazard[] {
  const ms = tooLongMs(step, serverVersion)
  if (ms === undefined) return []
  const all = `All who use one of ${stoppedBy(step).length} tables wait for some ${ms} ms.`
  const reason = takesReason(op) ? op.unsafe : undefined
  return [
    reason === undefined
      ? { code: 'stops_clients', because: all }
      : { code: 'unsafe', because: `${all} The reason given: ${reason}` },
  ]
}

type Reasoned = Extract<
  Operation,
  { readonly kind: 'change_type' | 'rename_column' | 'add_constraint' | 'drop_constraint' }
>

function takesReason(op: Operation): op is Reasoned {
  return ['change_type', 'rename_column', 'add_constraint', 'drop_constraint'].includes(op.kind)
}
