import type { Hazard } from '../../plan/hazard.ts'
import { leavingHazards, userTriggersFire } from '../../plan/hazards.ts'
import { shown } from '../../sql.ts'
import type { Work } from './work.ts'

/** What the two tables have to do with one another until the contract, and who can feel it. */
export function moveHazards({ source, target, from, to }: Work): readonly Hazard[] {
  const [old, renewed] = [`"${source.name}"."${from.name}"`, `"${target.name}"."${to.name}"`]
  return [
    {
      code: 'column_is_last',
      because: `"${to.name}" stands behind all other columns: SELECT * in a named statement, COPY and INSERT without a column list see another order.`,
    },
    {
      code: 'blocks_contract',
      because: `A row of "${source.name}" with a value in "${from.name}" and without a row in "${target.name}" is named by the verification and before the purge: its value would be lost.`,
    },
    {
      code: 'may_break',
      because: `Until the contract a plain UPDATE that changes ${renewed} is refused with 55000: it has locked its row before the one of "${source.name}", and two orders are a deadlock. Have new instances write it with INSERT ... ON CONFLICT DO UPDATE.`,
    },
    {
      code: 'may_break',
      because: `A write of ${old} writes the row of "${target.name}" as well. A transaction that has locked that row and then locks the one of "${source.name}" can meet it in a deadlock, which ends one of the two. Lock "${source.name}" first.`,
    },
    {
      code: 'may_break',
      because: `Until the contract an INSERT into "${target.name}" keeps writers away from its row of "${source.name}" until its transaction ends.`,
    },
    {
      code: 'may_break',
      because: `At REPEATABLE READ and SERIALIZABLE a write of either column fails with 40001 also where the row of the other table was changed since the transaction began.`,
    },
    {
      code: 'explicit_null_read_as_omitted',
      because: `Until the contract an INSERT of a new row into "${target.name}" that gives NULL for "${to.name}" counts as one that does not give it.`,
    },
    ...source.indexes
      .filter((one) => one.constraint === null && one.columns.includes(from.name))
      .map(({ name }) => ({
        code: 'goes_with_column' as const,
        because: `The index ${shown(name)} is dropped with ${old}. Create the one that "${to.name}" needs before you deploy.`,
      })),
    ...userTriggersFire(target),
    ...[source, target].flatMap(({ name: table, triggers }) =>
      triggers
        .filter((trigger) => trigger.enabled && trigger.onUpdate)
        .map(({ name }) => ({
          code: 'user_triggers_fire' as const,
          because: `The trigger ${shown(name)} of "${table}" fires for what is written to the other table, too, and then with the rights of the role that Bellows logs in as.`,
        })),
    ),
    ...leavingHazards(source, from.name),
  ]
}
