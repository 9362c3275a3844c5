import { BellowsError } from '../errors.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Hazard } from './hazard.ts'
import { HOLD_MAX_MS, holdMs, stoppedBy } from './hold.ts'
import { hidesRows } from './small-table.ts'
import type { StepDraft } from './step.ts'

/** Of a migration whose steps would hold everybody up for too long, or hide rows, and nobody has said why that may be. */
export function holdProblems(
  { operations }: Migration,
  planned: readonly { readonly forward: readonly StepDraft[]; readonly back: readonly StepDraft[] }[],
  serverVersion: number,
): readonly BellowsError[] {
  return planned.flatMap(({ forward, back }, at) => {
    const op = operations[at]
    if (op === undefined || !takesReason(op) || op.unsafe !== undefined) return []
    const steps = [...forward, ...back]
    const hiding = steps.find(hidesRows)
    if (hiding !== undefined) return [hidingProblem(hiding)]
    const held = steps.flatMap((step) => {
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

function hidingProblem({ does }: StepDraft): BellowsError {
  return new BellowsError(
    'plan_refused',
    `To ${does} PostgreSQL writes the table anew: a query that began before, such as one that calls a STABLE function, or pg_dump, may find no row in it.`,
    {
      hint: 'Take a plain column, or the type that the domain is of with a check that says what the domain says. If nobody reads the table at that moment, say why: unsafe: "<reason>".',
    },
  )
}

function tooLongMs(step: StepDraft, serverVersion: number): number | undefined {
  const ms = holdMs(step, serverVersion) ?? 0
  return ms > HOLD_MAX_MS ? ms : undefined
}

/** What people are told of a step that takes that long, and why it may. */
export function holdHazards(step: StepDraft, op: Operation, serverVersion: number): readonly Hazard[] {
  const ms = tooLongMs(step, serverVersion)
  const reason = takesReason(op) ? op.unsafe : undefined
  if (hidesRows(step))
    return [{ code: 'unsafe', because: `The table is written anew. The reason given: ${reason}` }]
  if (ms === undefined) return []
  const all = `All who use one of ${stoppedBy(step).length} tables wait for some ${ms} ms.`
  return [
    reason === undefined
      ? { code: 'stops_clients', because: all }
      : { code: 'unsafe', because: `${all} The reason given: ${reason}` },
  ]
}

type Reasoned = Extract<
  Operation,
  { readonly kind: 'add_column' | 'change_type' | 'rename_column' | 'add_constraint' | 'drop_constraint' }
>

function takesReason(op: Operation): op is Reasoned {
  return ['add_column', 'change_type', 'rename_column', 'add_constraint', 'drop_constraint'].includes(op.kind)
}
