import { messageOf } from '../../core/errors.ts'
import type { TableStep } from '../../core/plan/step.ts'
import { type Decision, decide, signalsFor } from '../../core/throttle/decide.ts'
import { afterCheck, afterLook, type Known, older, unheard } from '../../core/throttle/known.ts'
import type { SignalName } from '../../core/throttle/readings.ts'
import type { Engine } from '../context.ts'
import { again } from './again.ts'

/** The latest of what the signals say. */
export interface Watching {
  decision(): Decision
  /** The share of the time that somebody has asked for. */
  asked(): number
  /** May a batch begin at this moment? */
  isOpen(): boolean
}

export interface Watched {
  readonly run: number
  readonly step: TableStep
  readonly closed: AbortSignal
}

/** In ten parts of a second batches may begin in as many as the share says. */
const PART_MS = 100
const PARTS = 10

/** What takes the server a while to say is asked for once in so many looks, and often enough not to count as unheard. */
const RARE_LOOKS = 10

/** Looks at all signals once, and then from time to time beside the work. One that does not answer holds no other up. */
export async function watchSignals(engine: Engine, { run, step, closed }: Watched): Promise<Watching> {
  const rules = engine.settings.brake
  const signals = signalsFor(rules, step.kind === 'backfill')
  let known: Known = unheard(
    signals,
    rules.checks.map(({ name }) => name),
  )
  let part = 0
  let agedAt = engine.clock.passed()
  // By what has passed: a process that was stopped, or is too busy, counts late.
  const age = (): void => {
    const now = engine.clock.passed()
    known = older(known, now - agedAt)
    agedAt = now
  }
  const asked = { run, table: step.table, diskBytes: rules.diskBytes }
  const look = async (names: readonly SignalName[]): Promise<void> => {
    try {
      // Others may have been heard of while it was waited for.
      const heard = await engine.signals.look({ ...asked, signals: names })
      age()
      known = afterLook(known, heard)
    } catch (error) {
      const unread = messageOf(error)
      known = afterLook(known, { readings: Object.fromEntries(names.map((name) => [name, { unread }])) })
    }
  }
  const { pollMs, blindMs } = rules
  // Where somebody has said how large the disk is the server adds up the sizes of all files.
  const isRare = (name: SignalName) => name === 'disk' && rules.diskBytes !== undefined
  const looks = [
    { pauseMs: pollMs, names: signals.filter((name) => !isRare(name)) },
    { pauseMs: Math.min(RARE_LOOKS * pollMs, blindMs / 2), names: signals.filter(isRare) },
  ]
  const asking = [
    ...looks.flatMap(({ pauseMs, names }) =>
      names.length === 0 ? [] : [{ pauseMs, ask: () => look(names) }],
    ),
    ...rules.checks.map((check, at) => ({
      pauseMs: pollMs,
      ask: async () => {
        const result = await engine.signals.ask(check, rules.checkTimeoutMs)
        age()
        known = afterCheck(known, at, result)
      },
    })),
  ]
  await Promise.all(asking.map(({ ask }) => ask()))
  for (const { pauseMs, ask } of asking) void again(engine, { pauseMs, closed }, ask)
  void again(engine, { pauseMs: PART_MS, closed }, () => {
    part = (part + 1) % PARTS
    age()
  })
  const decision = (): Decision => {
    age()
    return decide(known, rules)
  }
  return {
    decision,
    asked: () => known.signals.asked?.value?.share ?? 1,
    isOpen: () => part < decision().share * PARTS,
  }
}
