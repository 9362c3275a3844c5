import { BellowsError } from '../../errors.ts'
import { columnMissing, refused } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { findTable } from '../../schema/model.ts'
import type { OperationNeeds } from '../needs.ts'
import type { Context } from '../operation.ts'
import { strangersQuestion, targetQuestion } from './catalog.ts'
import { knownOf } from './change.ts'
import { itemsOf, OF_KIND, type Privileges } from './privileges.ts'
import { shownTarget, type Target, targetOf } from './target.ts'

const MAINTAIN_SINCE = 170_000

export function privilegeNeeds(op: Privileges, roles: readonly string[]): OperationNeeds {
  const target = targetOf(op)
  if ('problem' in target) return { tables: [], touches: [] }
  const isTable = target.kind === 'table'
  return {
    tables: isTable ? [{ ...target.name, columns: [] }] : [],
    questions: [targetQuestion(target), strangersQuestion(roles)],
    touches: [
      ...(isTable && op.columns === undefined ? [{ table: target.name, how: 'uses' as const }] : []),
      ...(isTable ? (op.columns ?? []) : []).map((column) => ({
        table: target.name,
        column,
        how: 'uses' as const,
      })),
      // A privilege of a whole table and the same of a column of it go together.
      ...new Set(itemsOf(op, roles).map(({ grantee, privilege }) => `privilege ${privilege} of ${grantee}`)),
    ].map((one) =>
      typeof one === 'string' ? { object: `${one} on ${shownTarget(target)}`, how: 'replaces' } : one,
    ),
  }
}

/** Every problem of who may do what, on a thing that is there or that the migration makes. */
export function privilegeProblems(
  op: Privileges,
  roles: readonly string[],
  context: Context,
): readonly BellowsError[] {
  const target = targetOf(op)
  if ('problem' in target)
    return [
      new BellowsError('migration_invalid', `What it is on, "${op.on}", cannot be used: ${target.problem}.`, {
        hint: 'Write it as GRANT does: users, sequence numbers, function area(integer), schema app.',
      }),
    ]
  const shape = kindProblems(op, target, context.facts)
  return shape.length > 0
    ? shape
    : [...targetProblems(op, target, context), ...roleProblems(roles, context.facts)]
}

function kindProblems(op: Privileges, { kind }: Target, facts: Facts): readonly BellowsError[] {
  if (op.columns !== undefined && kind !== 'table')
    return [
      new BellowsError('migration_invalid', `A ${kind} has no columns.`, { hint: 'Leave "columns" out.' }),
    ]
  const of = op.columns === undefined ? kind : 'column'
  const strange = op.privileges.filter((one) => !OF_KIND[of].includes(one))
  if (op.privileges.includes('maintain') && facts.serverVersion < MAINTAIN_SINCE)
    return [refused('The privilege maintain needs PostgreSQL 17 or newer.')]
  return strange.map(
    (one) =>
      new BellowsError('migration_invalid', `There is no privilege ${one} of a ${of}.`, {
        hint: `A ${of} has ${OF_KIND[of].join(', ')}.`,
      }),
  )
}

function targetProblems(op: Privileges, target: Target, { schema, facts }: Context): readonly BellowsError[] {
  const known = knownOf(target, facts)
  const table = target.kind === 'table' ? findTable(schema, target.name) : undefined
  if (known === undefined && table === undefined)
    return [
      refused(
        `There is no ${shownTarget(target)}.`,
        'Check the spelling, the namespace and the types of the arguments. What is no table and is made by the same migration gets its privileges in the next one.',
      ),
    ]
  if (known?.owned === false)
    return [
      refused(
        `The connected role may not give privileges on the ${shownTarget(target)} as its owner does: it is not a member of that role.`,
        `Connect as the owner, or make this role the owner: alter ${shownTarget(target)} owner to <role>`,
      ),
    ]
  if (table === undefined) return []
  return (op.columns ?? []).flatMap((column) => columnMissing({ table: table.name }, table, column))
}

function roleProblems(roles: readonly string[], facts: Facts): readonly BellowsError[] {
  const answer = facts.answers[strangersQuestion(roles)]
  if (answer === undefined || 'problem' in answer) return []
  return answer.map(({ name }) =>
    refused(`There is no role "${String(name)}".`, 'Names are taken literally, capitals included.'),
  )
}
