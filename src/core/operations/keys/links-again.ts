import type { BellowsError } from '../../errors.ts'
import { validateForeignKeyStep } from '../../plan/constraint-steps.ts'
import { looseKeysSql, namesSql, unprovedKeySql } from '../../plan/foreign-key-parts.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { keyStands } from '../../plan/meant-key.ts'
import { foreignKeyPartsStep } from '../../plan/parts-steps.ts'
import { constraintExists } from '../../plan/probes.ts'
import type { StepDraft, TransactionStep } from '../../plan/step.ts'
import { refused } from '../../plan/table-checks.ts'
import { canBeWhole, WHOLE_SINCE } from '../../plan/whole-keys.ts'
import { primaryKeyOf } from '../../schema/model.ts'
import { constraintOn } from '../../schema/references.ts'
import { id, join, lit, qualified, regclass, type Sql, shown, sql, trusted } from '../../sql.ts'
import { dropConstraintSql, type Link, type Linked, linkCommentSql, partedKey } from './links.ts'

/**
 * How a foreign key comes back to the old columns, where it could not stay beside its twin, and to the new ones, where it has none: it stands on
 * the primary key of a partitioned table, which is made in the moment in which the columns change their names.
 */

export function comesAnew({ other, identity }: Linked): boolean {
  const key = primaryKeyOf(other)
  const index = other.indexes.find(({ constraint }) => constraint === key?.name)
  return other.kind === 'partitioned' && index?.foreignKeys.includes(identity) === true
}

/** The old foreign key, for new rows alone: before PostgreSQL 18 only the partitions of a partitioned table can have one that is not proved. */
export function putAgainSql(link: Link): readonly Sql[] {
  const { table, key } = link
  if (table.kind === 'partitioned') return [putOnPartsSql(link)]
  const unproved = key.validated ? sql` not valid` : sql``
  return [
    sql`alter table ${qualified(table)} add constraint ${id(key.name)} ${trusted(key.definition)}${unproved}`,
    ...linkCommentSql(table, key),
  ]
}

/** What depends on its columns by that time: where its table has not taken it over yet, also those of the partitions. */
export function identitiesOf({ table, key, identity }: Link): readonly string[] {
  return [identity, ...table.parts.map((part) => constraintOn(part, key.name))]
}

/** Also where it was cut off when only the partitions of its table had it. */
export function dropAgainSql({ table, key: { name } }: Link): Sql {
  const drop = dropConstraintSql(table, name)
  if (table.kind !== 'partitioned') return drop
  const body = sql`
declare
  part regclass;
begin
  if ${constraintExists(table, name)} then
    ${drop};
  end if;
  for part in select k.conrelid from pg_catalog.pg_partition_tree(${regclass(table)}) t join pg_catalog.pg_constraint k on k.conrelid = t.relid
      where t.isleaf and k.contype = 'f' and k.conname = ${lit(name)} order by t.relid loop
    execute pg_catalog.format('alter table %s drop constraint %I restrict', part, ${lit(name)});
  end loop;
end`
  return sql`do ${lit(body)}`
}

/** Measured: these come to some 200 ms, and four times as many to seventeen seconds. */
const KEYS_UNDER_MAX = 400

/** Before PostgreSQL 18 each partition gets it for itself under the lock, and so has one for each partition of the other table. */
export function crowdedProblems(
  { table, other, key }: Linked,
  serverVersion: number,
): readonly BellowsError[] {
  const leaves = table.parts.filter(({ kind }) => kind === 'table').length
  if (serverVersion >= WHOLE_SINCE || other.kind !== 'partitioned') return []
  if (leaves * other.parts.length <= KEYS_UNDER_MAX) return []
  return [
    refused(
      `The foreign key ${shown(key.name)} leads from the ${leaves} partitions of "${table.name}" to the ${other.parts.length} of "${other.name}", and is put up anew in one moment: before PostgreSQL 18 that is one for each two of them, at most ${KEYS_UNDER_MAX} in all.`,
      'Drop that foreign key for the time of the migration, and add it again afterwards.',
    ),
  ]
}

export function partsWithoutHazard({ table, key }: Link): readonly Hazard[] {
  if (table.kind !== 'partitioned') return []
  return [
    {
      code: 'not_refused_any_more',
      because: `Before PostgreSQL 18 a partition of "${table.name}" that is made behind this step has the foreign key ${shown(key.name)} when that is proved, in the next one: a row without its parent is found then, and not refused.`,
    },
  ]
}

function putOnPartsSql(link: Link): Sql {
  const { table, key } = link
  const { name, definition } = key
  const whole = [
    sql`alter table ${qualified(table)} add constraint ${id(name)} ${trusted(definition)}`,
    ...namesSql(partedKey(link, name, trusted(definition))),
    ...linkCommentSql(table, key),
  ]
  const body = sql`
declare
  part regclass;
begin
  if ${canBeWhole} then
    alter table ${qualified(table)} add constraint ${id(name)} ${trusted(definition)} not valid;
    return;
  end if;
  for part in select t.relid from pg_catalog.pg_partition_tree(${regclass(table)}) t where t.isleaf order by t.relid loop
    execute pg_catalog.format('alter table %s add constraint %I %s not valid', part, ${lit(name)}, ${lit(definition)});
  end loop;
  -- Where there is no partition there is no row, and nothing is left to be done.
  if not found then
    ${join(whole, ';\n    ')};
  end if;
end`
  return sql`do ${lit(body)}`
}

/** For the rows that are there. */
export function proveAgainStep(link: Link): StepDraft {
  const { table, key } = link
  if (table.kind === 'partitioned') return takeOverAgainStep(link)
  return validateForeignKeyStep({
    ...link,
    name: key.name,
    phase: 'retire',
    does: `check the foreign key "${key.name}" of "${table.name}" again, for the rows that are there`,
  })
}

/** The same on the new columns. */
export function proveAnewStep(link: Link, phase: 'retire' | 'purge'): StepDraft {
  const { table, key } = link
  if (table.kind === 'partitioned')
    return takeOverStep(link, {
      phase,
      // Also where somebody has dropped it before it was put up.
      probe: sql`not exists (${looseKeysSql({ table, name: key.name })})`,
      does: `prove the foreign key "${key.name}" on the new columns in each partition of "${table.name}", and then on the table`,
    })
  return validateForeignKeyStep({
    ...link,
    name: key.name,
    does: `check the foreign key "${key.name}" of "${table.name}" on the new columns for the rows that are there`,
    phase,
    isProved: sql`not exists (${unprovedKeySql({ table, name: key.name })})`,
  })
}

/** Also in front of the contract, where an undo before it was cut off behind its first step. */
export function takeOverAgainStep(link: Link): StepDraft {
  const { table, key } = link
  return takeOverStep(link, {
    phase: 'retire',
    probe: keyStands(partedKey(link, key.name, trusted(key.definition))),
    does: `prove the foreign key "${key.name}" in each partition of "${table.name}" where an undo has put it up again, and then on the table`,
  })
}

function takeOverStep(
  link: Link,
  { phase, probe, does }: Pick<TransactionStep, 'phase' | 'probe' | 'does'>,
): StepDraft {
  const { name, definition, comment } = link.key
  const step = foreignKeyPartsStep(partedKey(link, name, trusted(definition)), {
    phase,
    hazards: [],
    probe,
    comment,
  })
  return { ...step, does }
}
