import { BellowsError } from '../errors.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Hazard } from './hazard.ts'
import { HOLD_LIMIT_MS, HOLD_MAX_MS, heldBy, holdMs, stoppedBy } from './hold.ts'
import type { Placed } from './joining.ts'
import { reasonOf, takesReason } from './reasons.ts'
import { hidesRows } from './small-table.ts'
import type { StepDraft } from './step.ts'

/** Of operations whose steps would hide rows, and nobody has said why that may be. */
export function hidingProblems(
  { operations }: Migration,
  planned: readonly { readonly forward: readonly StepDraft[]; readonly back: readonly StepDraft[] }[],
): readonly BellowsError[] {
  return planned.flatMap(({ forward, back }, at) => {
    const op = operations[at]
    if (op === undefined || reasonOf(op) !== undefined || !takesReason(op)) return []
    const hiding = [...forward, ...back].find(hidesRows)
    return hiding === undefined ? [] : [hidingProblem(hiding)]
  })
}

/**
 * Of steps that hold everybody up for too long, and nobody has said why that may be, or for longer than anybody may: of what the same
 * operations do the longest. What takes back versions that are there is not refused: without it there would be no way back.
 */
export function holdProblems(
  { operations, reverses }: Migration,
  steps: readonly Placed[],
  serverVersion: number,
): readonly BellowsError[] {
  if (reverses !== undefined) return []
  const longest = new Map<string, { readonly draft: StepDraft; readonly ms: number }>()
  for (const { draft, of } of steps) {
    const ms = tooLongMs(draft, serverVersion)
    if (ms === undefined) continue
    const ops = operations.filter((_, at) => of.includes(at))
    if (!ops.some(takesReason)) continue
    if (ms <= HOLD_LIMIT_MS && ops.some((op) => reasonOf(op) !== undefined)) continue
    const key = of.join(' ')
    if (ms > (longest.get(key)?.ms ?? 0)) longest.set(key, { draft, ms })
  }
  return [...longest.values()].map(({ draft, ms }) => holdProblem(draft, ms))
}

function holdProblem(draft: StepDraft, ms: number): BellowsError {
  const isNever = ms > HOLD_LIMIT_MS
  const why = isNever
    ? `more than ${HOLD_LIMIT_MS} ms are refused whatever the reason, because the bound of a transaction (holdTimeoutMs) may end it each time`
    : `for more than ${HOLD_MAX_MS} ms somebody has to say why`
  const rest = isNever
    ? 'What several operations do in one step may be several migrations. A reason does not help.'
    : 'If all may wait, say why: unsafe: "<reason>".'
  return new BellowsError(
    'plan_refused',
    `To ${draft.does} holds everybody up for some ${ms} ms, in which nobody can ${stopped(draft).join(' ')} tables: ${why}.`,
    {
      hint: `Detach partitions first, as far as they can be missed, or drop a foreign key between partitioned tables for the time of the migration. ${rest}`,
    },
  )
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

/** What people are told of a step that hides rows, and why it may. */
export function hidingHazards(step: StepDraft, op: Operation): readonly Hazard[] {
  if (!hidesRows(step)) return []
  return [{ code: 'unsafe', because: `The table is written anew. The reason given: ${reasonOf(op)}` }]
}

/** The same of steps that hold everybody up for long. */
export function withHoldHazards(
  { operations, reverses }: Migration,
  steps: readonly Placed[],
  serverVersion: number,
): readonly Placed[] {
  return steps.map((placed) => {
    const { draft, of } = placed
    const ms = tooLongMs(draft, serverVersion)
    if (ms === undefined) return placed
    const given = operations.flatMap((op, at) => (of.includes(at) ? (reasonOf(op) ?? []) : []))
    const reasons = reverses === undefined ? given : [...given, WAY_BACK]
    const all = `All who ${stopped(draft).join(' one of ')} tables wait for some ${ms} ms.`
    const hazard: Hazard =
      reasons.length === 0
        ? { code: 'stops_clients', because: all }
        : { code: 'unsafe', because: `${all} The reason given: ${[...new Set(reasons)].join('; ')}` }
    return { ...placed, draft: { ...draft, hazards: [...draft.hazards, hazard] } }
  })
}

const WAY_BACK = 'it takes back what was done'

/** A foreign key and a trigger stop writers alone. */
function stopped(step: StepDraft): readonly [what: string, tables: number] {
  const used = stoppedBy(step).length
  return used > 1 ? ['use', used] : ['write', heldBy(step).length]
}
