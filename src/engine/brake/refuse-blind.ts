import { BellowsError } from '../../core/errors.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { decide, signalsFor } from '../../core/throttle/decide.ts'
import { afterLook, unheard } from '../../core/throttle/known.ts'
import type { SignalName } from '../../core/throttle/readings.ts'
import type { Engine } from '../context.ts'

/** Of no run that there is: nothing was asked of it. */
export const NO_RUN = 0

/**
 * A backfill would stand still at a signal that it cannot read, and a right that is missing comes by nobody's waiting.
 * @throws BellowsError `plan_refused` before anything is changed, with the GRANT or the setting that mends it
 */
export async function refuseBlind(engine: Engine, { steps }: Plan): Promise<void> {
  const step = steps.find(({ kind }) => kind === 'backfill')
  if (step?.kind !== 'backfill') return
  const rules = engine.settings.brake
  const signals = signalsFor(rules, true)
  const asked = { run: NO_RUN, table: step.table, diskBytes: rules.diskBytes }
  const look = await engine.signals.look({ ...asked, signals }).catch(() => undefined)
  if (look === undefined) return
  const unread = Object.entries(look.readings).filter(([, reading]) => 'unread' in reading)
  const names = unread.map(([name]) => name as SignalName)
  const known = afterLook(unheard(names, []), { readings: Object.fromEntries(unread) })
  const { because } = decide(known, rules)
  if (because.length === 0) return
  throw new BellowsError('plan_refused', `The backfill would stand still: ${because.join('; ')}.`, {
    hint: 'Grant the right, or switch off what is not to be looked at, under "brake" in the config file. Nothing was changed.',
    facts: { because },
  })
}
