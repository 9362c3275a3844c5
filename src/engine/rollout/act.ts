import { messageOf } from '../../core/errors.ts'
import type { RolloutEvent } from '../../core/rollout/event.ts'
import type { Action } from '../../core/rollout/moves.ts'
import type { Rollout } from '../../core/rollout/rollout.ts'
import type { Driving } from '../context.ts'
import type { Deployer } from '../ports.ts'

/** Enough for a large batch to be quick, few enough for whatever is behind the deployer. */
const CALLS_AT_ONCE = 16

/** Does what was decided. What fails is told next time, and decided anew: whether it was done is seen in the fleet. */
export async function act(
  engine: Driving,
  deployer: Deployer,
  actions: readonly Action[],
  troubles: Map<string, string>,
): Promise<void> {
  const calls = actions.flatMap((action) => (action.kind === 'check' ? [] : [action]))
  await someAtOnce(calls, async (some) => {
    // However long the calls take: nobody acts who was replaced meanwhile.
    await engine.driver.beat()
    await Promise.all(some.map((call) => called(deployer, call, troubles)))
  })
}

async function someAtOnce<T>(all: readonly T[], work: (some: readonly T[]) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += CALLS_AT_ONCE) await work(all.slice(at, at + CALLS_AT_ONCE))
}

async function called(
  deployer: Deployer,
  call: Exclude<Action, { kind: 'check' }>,
  troubles: Map<string, string>,
): Promise<void> {
  const id = call.kind === 'start' ? call.placement.id : call.id
  try {
    await (call.kind === 'start' ? deployer.start(call.placement) : deployer[call.kind](id))
    troubles.delete(id)
  } catch (error) {
    troubles.set(id, messageOf(error))
  }
}

/** The answers to the checks that were decided upon. */
export async function askChecks(
  engine: Driving,
  { rules }: Rollout,
  actions: readonly Action[],
): Promise<readonly RolloutEvent[]> {
  const events: RolloutEvent[] = []
  for (const action of actions) {
    if (action.kind !== 'check') continue
    const result = await engine.checks.ask(action.check, rules.checkTimeoutMs)
    events.push({ kind: 'checked', name: action.check.name, ...result })
  }
  return events
}

/** What failed is written down with its last lines, as far as they can be had. */
export async function withLogs(
  deployer: Deployer,
  { rules }: Rollout,
  events: readonly RolloutEvent[],
): Promise<readonly RolloutEvent[]> {
  const logs = new Map<string, readonly string[]>()
  const failed = events.flatMap((event) => (event.kind === 'failed' ? [event.id] : []))
  const read = async (id: string) => {
    const log = await deployer.log(id, rules.logLines).catch(() => [])
    logs.set(id, log.slice(-rules.logLines))
  }
  await someAtOnce(failed, async (some) => void (await Promise.all(some.map(read))))
  return events.map((event) =>
    event.kind === 'failed' ? { ...event, log: logs.get(event.id) ?? [] } : event,
  )
}
