import type { Check, CheckResult, CheckRules } from '../../core/rollout/rules.ts'
import type { Engine } from '../context.ts'
import type { CheckTrouble } from '../roller.ts'
import type { RollLog } from './roll-log.ts'

/** Asks what a user wants to hold behind each workload, one after the other. What cannot tell is asked again, for a while. */
export async function askBehindWorkload(
  engine: Engine,
  log: RollLog,
  rules: CheckRules,
): Promise<CheckTrouble | undefined> {
  for (const check of rules.checks) {
    const { outcome, because } = await answered(engine, log, rules, check)
    if (outcome !== 'pass')
      return { outcome, because: `the check "${check.name}" ${SAID[outcome]}: ${because}` }
  }
  return undefined
}

const SAID = { fail: 'failed', unknown: 'could not tell' } as const

async function answered(
  { checks, clock }: Engine,
  log: RollLog,
  rules: CheckRules,
  check: Check,
): Promise<CheckResult> {
  for (let unknowns = 1; ; unknowns += 1) {
    const result = await checks.ask(check, rules.checkTimeoutMs)
    await log.write({ kind: 'checked', name: check.name, ...result })
    if (result.outcome !== 'unknown' || unknowns >= rules.checkUnknownsMax) return result
    await clock.sleep(rules.checkRetryMs)
  }
}
