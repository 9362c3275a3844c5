import type { Plan } from '../../core/plan/plan.ts'
import { decide, signalsFor } from '../../core/throttle/decide.ts'
import { afterLook, unheard } from '../../core/throttle/known.ts'
import type { SignalName } from '../../core/throttle/readings.ts'
import type { Engine } from '../context.ts'

/** Says as a run begins which signals its backfill will not be able to read: a right is given more easily before than under way. */
export async function foretellBrake(engine: Engine, run: number, { steps }: Plan): Promise<void> {
  const step = steps.find(({ kind }) => kind === 'backfill')
  if (step?.kind !== 'backfill') return
  const rules = engine.settings.brake
  const signals = signalsFor(rules, true)
  const look = await engine.signals.look({ run, table: step.table, signals }).catch(() => undefined)
  if (look === undefined) return
  const unread = Object.entries(look.readings).filter(([, reading]) => 'unread' in reading)
  const names = unread.map(([name]) => name as SignalName)
  const known = afterLook(unheard(names, []), { readings: Object.fromEntries(unread) })
  const { because } = decide(known, rules)
  if (because.length > 0) engine.notify({ type: 'brake_foretold', step: step.id, because })
}
