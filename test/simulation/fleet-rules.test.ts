import { expect, test } from 'vitest'
import type { SafetyRule } from './fleet/database.ts'
import { begun } from './fleet/life.ts'
import { contracted } from './fleet/operator.ts'
import { roughScenario } from './fleet/scenario.ts'
import { chance, OLD } from './scenario.ts'

const SEEDS_MAX = 3_000

/** What each rule is there for: without it somebody is harmed, and the simulation sees it. */
const RULES: readonly (readonly [rule: SafetyRule, without: string])[] = [
  ['floor', 'the old version may join behind the door'],
  ['recheck', 'nobody looks again in the transaction that hides the column'],
  ['corroboration', 'one that is silent counts as gone although its session is there'],
]

test.for(RULES)('without the %s, when %s, somebody needs what is hidden', async ([rule]) => {
  for (let seed = 0; seed < SEEDS_MAX; seed += 1) {
    const luck = chance(seed + 1)
    const life = begun(luck, roughScenario(luck), rule)
    await contracted(life)
    life.crowd.start('late', OLD)
    life.time.pass(60_000)
    if (life.crowd.harms.length > 0) return
  }
  expect.unreachable(`nobody was harmed in ${SEEDS_MAX} worlds`)
})
