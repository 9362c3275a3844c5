import { assert, BellowsError } from '../errors.ts'
import { refused } from '../plan/table-checks.ts'
import type { Facts } from '../schema/facts.ts'
import { type Change, givenOf, isAs, knownOf } from './grant/change.ts'
import { privilegeNeeds, privilegeProblems } from './grant/checks.ts'
import { type Grant, isSameItem, itemsOf } from './grant/privileges.ts'
import { withPrivileges } from './grant/schema.ts'
import { privilegeStep, reversed, shownPrivileges } from './grant/step.ts'
import { targetOf } from './grant/target.ts'
import type { OperationSpec } from './operation.ts'

/** Lets roles do something with a thing; for the new version, so it comes first. */
export const grant: OperationSpec<Grant> = {
  needs: (op) => privilegeNeeds(op, op.to),

  check: (op, context) => {
    const problems = [...optionProblems(op), ...privilegeProblems(op, op.to, context)]
    if (problems.length > 0) return problems
    const { before, after } = changeOf(op, context.facts)
    const isSame = after.every((item) =>
      before.some((one) => isSameItem(one, item) && one.grantable === item.grantable),
    )
    return isSame ? [refused(`${told(op)}: they have all that already.`, 'Leave the operation out.')] : []
  },

  apply: (op, schema, facts) => withPrivileges(changeOf(op, facts), schema),

  expand: (op, { facts }) => {
    const change = changeOf(op, facts)
    const { target, before, after } = change
    const step = privilegeStep(change, 'expand', told(op))
    // Of what the migration itself makes, the server may have given something by default.
    if (knownOf(target, facts) === undefined) return [step]
    return [
      {
        ...step,
        makes: madeName(op),
        requires: [
          {
            that: isAs(target, before, after),
            code: 'drift_found',
            otherwise: `somebody has given or taken ${shownPrivileges(op, target)} since the plan was made`,
          },
        ],
      },
    ]
  },

  backfill: () => [],

  contract: () => [],

  rollback: (op, { facts }) => {
    const change = changeOf(op, facts)
    const step = privilegeStep(reversed(change), 'expand', `take back: ${told(op)}`)
    return [knownOf(change.target, facts) === undefined ? step : { ...step, unmakes: madeName(op) }]
  },
}

function changeOf(op: Grant, facts: Facts): Change {
  const target = targetOf(op)
  assert(!('problem' in target), 'steps come after check')
  const wanted = itemsOf(op, op.to)
  const before = givenOf(knownOf(target, facts), wanted)
  const given = wanted.map((item) => ({
    ...item,
    grantable: op.with_grant_option === true || before.some((one) => isSameItem(one, item) && one.grantable),
  }))
  const others = before.filter((item) => !given.some((one) => isSameItem(one, item)))
  return { target, before, after: [...others, ...given] }
}

function told(op: Grant): string {
  const target = targetOf(op)
  assert(!('problem' in target), 'steps come after check')
  const option = op.with_grant_option === true ? ' with grant option' : ''
  return `grant ${shownPrivileges(op, target)} to ${op.to.join(', ')}${option}`
}

function madeName(op: Grant): string {
  return `what "${told(op)}" gives`
}

function optionProblems(op: Grant): readonly BellowsError[] {
  if (op.with_grant_option !== true || !op.to.includes('public')) return []
  return [
    new BellowsError('migration_invalid', 'Everybody (public) cannot have the right to grant to others.', {
      hint: 'Name roles, or leave "with_grant_option" out.',
    }),
  ]
}
