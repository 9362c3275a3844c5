import { assert, type BellowsError } from '../errors.ts'
import { behindGate } from '../plan/behind-gate.ts'
import type { Hazard } from '../plan/hazard.ts'
import { type Leaver, ofEverybody, ofTable } from '../plan/leaver.ts'
import { refused } from '../plan/table-checks.ts'
import { NOT_IN_LOG } from '../plan/thing.ts'
import type { Facts } from '../schema/facts.ts'
import { type Change, covers, givenOf, isAs, knownOf } from './grant/change.ts'
import { privilegeNeeds, privilegeProblems } from './grant/checks.ts'
import { type Item, isSameItem, itemsOf, type Revoke, type Right } from './grant/privileges.ts'
import { withPrivileges } from './grant/schema.ts'
import { privilegeStep, reversed, shownPrivileges } from './grant/step.ts'
import { targetOf } from './grant/target.ts'
import type { Context, OperationSpec } from './operation.ts'

/** Takes from roles what its owner has given them; old instances may need it, so it waits for the contract. */
export const revoke: OperationSpec<Revoke> = {
  needs: (op) => privilegeNeeds(op, op.from),

  check: (op, context) => {
    const problems = privilegeProblems(op, op.from, context)
    return problems.length > 0 ? problems : missingProblems(op, context)
  },

  apply: (op, schema, facts) => withPrivileges(changeOf(op, facts), schema),

  expand: () => [],

  backfill: () => [],

  contract: (op, { facts }) => {
    const change = changeOf(op, facts)
    const { target, before, after } = change
    const step = privilegeStep(change, 'retire', told(op))
    return behindGate(leaverOf(op), {
      ...step,
      hazards: hazardsOf(op, facts),
      makes: madeName(op),
      requires: [
        {
          that: isAs(target, before, after),
          code: 'drift_found',
          otherwise: `somebody has given or taken ${shownPrivileges(op, target)} since the plan was made`,
        },
        ...step.requires,
      ],
    })
  },

  rollback: (op, { facts }) => [
    {
      ...privilegeStep(reversed(changeOf(op, facts)), 'retire', `take back: ${told(op)}`),
      unmakes: madeName(op),
    },
  ],
}

function changeOf(op: Revoke, facts: Facts): Change {
  const target = targetOf(op)
  assert(!('problem' in target), 'steps come after check')
  const wanted = itemsOf(op, op.from)
  const before = givenOf(knownOf(target, facts), wanted)
  const isNamed = (item: Item) => wanted.some((one) => isSameItem(one, item))
  const after =
    op.grant_option_for === true
      ? before.map((item) => (isNamed(item) ? { ...item, grantable: false } : item))
      : before.filter((item) => !isNamed(item))
  return { target, before, after }
}

/** No statement shows by which right it runs. */
function leaverOf(op: Revoke): Leaver {
  const target = targetOf(op)
  assert(!('problem' in target), 'steps come after check')
  const called = `${shownPrivileges(op, target)} of ${op.from.join(', ')}`
  return target.kind === 'table' ? ofTable(target.name, called, NOT_IN_LOG) : ofEverybody(called)
}

function told(op: Revoke): string {
  const target = targetOf(op)
  assert(!('problem' in target), 'steps come after check')
  const option = op.grant_option_for === true ? 'grant option for ' : ''
  return `revoke ${option}${shownPrivileges(op, target)} from ${op.from.join(', ')}`
}

function madeName(op: Revoke): string {
  return `what "${told(op)}" leaves`
}

function hazardsOf(op: Revoke, facts: Facts): readonly Hazard[] {
  const from = op.from.join(', ')
  const losing: Hazard = {
    code: 'may_break',
    because: `From this step on a statement of ${from} that needs it fails. Nothing tells who sends one: the gate before it waits until no instance of the old version is left.`,
  }
  if (op.grant_option_for === true) return []
  const kept = othersOf(op, facts)
  return kept.length === 0
    ? [losing]
    : [losing, { code: 'stays', because: `This takes away what the owner has given. ${kept.join(' ')}` }]
}

/** Ways by which a role keeps a privilege, as far as they are written at the thing itself. */
function othersOf(op: Revoke, facts: Facts): readonly string[] {
  const { target } = changeOf(op, facts)
  const items = knownOf(target, facts)?.items ?? []
  return itemsOf(op, op.from).flatMap((wanted) =>
    items
      .filter((item) => reaches(item, wanted) && (item.grantor !== null || item.grantee !== wanted.grantee))
      .map(
        ({ grantee, grantor, privilege }) =>
          `${wanted.grantee} keeps ${privilege}: ${grantee === wanted.grantee ? `${grantor} has given it, too` : 'everybody (public) has it'}.`,
      ),
  )
}

function reaches(item: Item, wanted: Right): boolean {
  const isToWhom = item.grantee === wanted.grantee || item.grantee === 'public'
  return isToWhom && covers({ ...item, grantee: wanted.grantee }, wanted)
}

/** What is not given cannot be taken: it is somebody else's to take, or a slip. */
function missingProblems(op: Revoke, { facts }: Context): readonly BellowsError[] {
  const { target, before } = changeOf(op, facts)
  const needsOption = op.grant_option_for === true
  const isThere = (wanted: Right) =>
    before.some((item) => isSameItem(wanted, item) && (item.grantable || !needsOption))
  return itemsOf(op, op.from)
    .filter((wanted) => !isThere(wanted))
    .map((wanted) =>
      refused(
        `${wanted.grantee} has not got ${needsOption ? 'the grant option for ' : ''}${shownPrivileges({ privileges: [wanted.privilege], ...(wanted.column === null ? {} : { columns: [wanted.column] }) }, target)} from its owner, so there is nothing to revoke.`,
        hintFor(wanted, knownOf(target, facts)?.items ?? []),
      ),
    )
}

function hintFor(wanted: Right, items: readonly Item[]): string {
  const hasWhole = items.some((item) => isSameItem(item, { ...wanted, column: null }))
  return wanted.column !== null && hasWhole
    ? 'It has it on the whole table: grant it on the columns that are left, and in the next migration revoke it on the table.'
    : 'What it has through another role, or from another one than the owner, is taken away there.'
}
