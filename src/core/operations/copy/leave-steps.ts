import { replicaIdentitySql, settleSql } from '../../plan/carry.ts'
import { clearColumnState } from '../../plan/column-state.ts'
import { noIdentityOn } from '../../plan/identity.ts'
import { INTEGER_TYPES } from '../../plan/mapping.ts'
import { defaultName, notNullName } from '../../plan/names.ts'
import { uninstallCounterSql } from '../../plan/old-writes.ts'
import { all, columnAbsent, constraintAbsent, indexValid } from '../../plan/probes.ts'
import { noStrangers, retireStep } from '../../plan/retire.ts'
import { functionSql, uninstallSql } from '../../plan/row-trigger.ts'
import { allStand } from '../../plan/standing-parts.ts'
import type { Lock, Requirement, StepDraft } from '../../plan/step.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { partKeysOf, takeOverPartKeySql } from './part-keys.ts'
import { renamedSequence } from './twin-schema.ts'
import {
  asPlannedRequirements,
  lastRequirement,
  proofNames,
  standsRequirement,
  validatedRequirement,
  type Work,
} from './work.ts'

/** Hides the old column and goes on keeping it in step under its hidden name. */
export function hideStep(work: Work): StepDraft {
  const { table, to, hidden, leaving, mapping } = work
  const statements =
    mapping.down === undefined
      ? [...letGoSql(work), ...moveDefaultSql(work), clearColumnState(table, to)]
      : [functionSql(hidden)]
  return retireStep(leaving, { requires: readyRequirements(work), statements })
}

/** What must hold in the transaction that takes the old column away: nothing that the copy needs is missing or was changed. */
export function readyRequirements(work: Work): readonly Requirement[] {
  const { table, installed } = work
  return [
    ...asPlannedRequirements(work),
    standsRequirement(installed),
    lastRequirement(installed),
    ...proofNames(work).map((name) => validatedRequirement(table, name)),
    ...copiedIndexRequirements(work),
  ]
}

/** No value can be taken back to the hidden column, so nothing may ask for one. */
export function letGoSql({ table, names, leaving, installed, counting }: Work): readonly Sql[] {
  return [
    sql`alter table ${qualified(table)} drop constraint ${id(names.proof)}, alter column ${id(leaving.hidden)} drop not null`,
    ...uninstallSql(installed),
    ...(counting === undefined ? [] : uninstallCounterSql(counting)),
  ]
}

/** Nothing fills the new column from the hidden one any more, so the default goes over now, and not at the purge. */
export function moveDefaultSql({ table, leaving, finalName, defaultValue }: Work): readonly Sql[] {
  if (defaultValue === undefined) return []
  return [
    sql`alter table ${qualified(table)} alter column ${id(leaving.hidden)} drop default, alter column ${id(finalName)} set default ${defaultValue}`,
  ]
}

/** A missing copy would leave the new column without what the old one had; nothing vanishes with `DROP COLUMN`. */
function copiedIndexRequirements({ table, things }: Work): readonly Requirement[] {
  return [...things.indexes, ...things.uniques, ...things.keys].map(({ original, copyName }) => ({
    that: indexValid({ namespace: table.namespace, name: copyName }),
    code: 'drift_found' as const,
    otherwise: `the copy "${copyName}" of "${original.name}" is missing or invalid`,
  }))
}

/** The copy of an index that was the identity takes its place in that, too; one that has become it since has none that does. */
function ownIdentity({ table, from, leaving }: Work): readonly Requirement[] {
  const isIdentity = ({ replicaIdentity }: { readonly replicaIdentity: boolean }) => replicaIdentity
  const isCarried = table.indexes.some(
    (one) => one.columns.includes(from) && (isIdentity(one) || (one.markedParts ?? []).some(isIdentity)),
  )
  return isCarried ? [] : [noIdentityOn(table, leaving.hidden, from)]
}

/** The point of no return. Checks facts of the catalog only, drops the old column, and settles names and rules. */
export function purgeStep(work: Work): StepDraft {
  const { table, from, to, finalName, hidden, leaving, names, things, notNull, mapping, counting } = work
  const isDual = mapping.down !== undefined
  const partKeys = partKeysOf(work)
  const proofs = proofNames(work).filter((name) => isDual || name !== names.proof)
  return {
    kind: 'purge',
    shares: { table, at: 'drop' },
    phase: 'purge',
    does: `drop the ${to === finalName ? '' : 'old '}column "${from}" of "${table.name}"`,
    hazards: [
      {
        code: 'drops_values',
        because: `There is no way back after this step; "${finalName}" holds every value.`,
      },
    ],
    probe: all([columnAbsent(table, leaving.hidden), constraintAbsent(table, names.proof)]),
    changes: { kind: to === finalName ? 'removed' : 'changed', column: from },
    locks: [{ relation: table, level: 'access_exclusive' }, ...partnerLocks(work), ...sequenceLocks(work)],
    requires: [
      noStrangers(leaving, leaving.hidden),
      ...(isDual ? [standsRequirement(hidden)] : []),
      ...proofs.map((name) => validatedRequirement(table, name)),
      ...copiedIndexRequirements(work),
      ...ownIdentity(work),
      ...partKeys.map(({ parts }) => allStand(parts)),
    ],
    ...(partKeys.length === 0 ? {} : { stands: partKeys.map(({ parts }) => parts) }),
    statements: [
      ...(isDual ? uninstallSql(hidden) : []),
      ...(isDual && counting !== undefined ? uninstallCounterSql(counting) : []),
      ...ownRulesSql(work),
      ...sequenceSql(work),
      ...replicaIdentitySql(table, things),
      ...partKeys.flatMap(takeOverPartKeySql),
      sql`alter table ${qualified(table)} ${trusted(
        [
          ...(isDual ? [`drop constraint ${id(names.proof)}`] : []),
          ...(notNull ? [`drop constraint ${id(names.notNullProof)}`] : []),
          `drop column ${id(leaving.hidden)} restrict`,
        ].join(', '),
      )}`,
      ...settleSql(table, things, work),
      ...indexColumnsSql(work),
      ...notNullNameSql(work),
      clearColumnState(table, to === finalName ? from : to),
    ],
    cost: 'instant',
  }
}

/** NOT NULL (instant, the validated CHECK proves it), and the default, if it was not moved as the column was hidden. */
function ownRulesSql({
  table,
  fromColumn,
  to,
  finalName,
  leaving,
  notNull,
  defaultValue,
}: Work): readonly Sql[] {
  const isMoved = to !== finalName
  const alterations = [
    // Since PostgreSQL 18 a NOT NULL has a name, which the new column is to have.
    ...(isMoved && notNull && !fromColumn.nullable
      ? [sql`alter column ${id(leaving.hidden)} drop not null`]
      : []),
    ...(notNull ? [sql`alter column ${id(finalName)} set not null`] : []),
    ...(defaultValue === undefined || isMoved
      ? []
      : [sql`alter column ${id(finalName)} set default ${defaultValue}`]),
  ]
  return alterations.length === 0
    ? []
    : [sql`alter table ${qualified(table)} ${trusted(alterations.join(', '))}`]
}

/** The sequence of a `serial`. */
function sequenceSql({ table, from, finalName, fromColumn, toColumn }: Work): readonly Sql[] {
  return fromColumn.sequences.flatMap((sequence) => {
    const renamed = renamedSequence({ from, to: finalName }, table, sequence)
    return [
      sql`alter sequence ${qualified(sequence)} owned by ${qualified(table)}.${id(finalName)}`,
      // A wider column would otherwise still end where the old one did.
      ...(fromColumn.baseType !== toColumn.baseType && INTEGER_TYPES.has(toColumn.baseType)
        ? [sql`alter sequence ${qualified(sequence)} as ${trusted(toColumn.baseType)}`]
        : []),
      ...(renamed === sequence
        ? []
        : [sql`alter sequence ${qualified(sequence)} rename to ${id(renamed.name)}`]),
    ]
  })
}

/** An index keeps the names that its columns had when it was built; of a name that is there twice the second has a number. */
export function indexColumnsSql({ table, from, to, finalName, things }: Work): readonly Sql[] {
  if (to === finalName) return []
  return [...things.indexes, ...things.uniques].flatMap(({ original, finalName: index }) => {
    const { nameParts = [] } =
      table.indexes.find(({ name, constraint }) => [name, constraint].includes(original.name)) ?? {}
    return nameParts
      .filter((part) => part === from)
      .map((_, at) => (at === 0 ? '' : String(at)))
      .map(
        (number) =>
          sql`alter table ${qualified({ namespace: table.namespace, name: index })} rename column ${id(`${to}${number}`)} to ${id(`${finalName}${number}`)}`,
      )
  })
}

/** Whoever asks the sequence for a number meanwhile waits, also for another table. */
function sequenceLocks({ table, from, finalName, fromColumn }: Work): readonly Lock[] {
  return fromColumn.sequences.map((relation) => ({
    relation,
    level:
      renamedSequence({ from, to: finalName }, table, relation) === relation
        ? 'share_row_exclusive'
        : 'access_exclusive',
    implied: true,
  }))
}

/** Since PostgreSQL 18 a NOT NULL is a constraint, whose own name stays if somebody chose one. What the server has called the new one, it alone knows. */
function notNullNameSql({ table, from, finalName }: Work): readonly Sql[] {
  const original = table.constraints.find((one) => one.kind === 'not_null' && one.columns.includes(from))
  if (original === undefined) return []
  const given = defaultName(table.name, [finalName], 'not_null')
  const wanted = notNullName({ table: table.name, from, to: finalName }, original.name)
  return given === wanted ? [] : [sql`do ${lit(renamedNotNull(table, finalName, wanted))}`]
}

function renamedNotNull(table: QualifiedName, column: string, name: string): Sql {
  return sql`declare command text; begin for command in
  select pg_catalog.format('alter table %s rename constraint %I to %I', c.conrelid::pg_catalog.regclass, c.conname, ${lit(name)})
  from pg_catalog.pg_constraint c join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attname = ${lit(column)} and c.conkey = array[a.attnum]
  where c.conrelid = ${lit(qualified(table))}::pg_catalog.regclass and c.contype = 'n' and c.conname <> ${lit(name)}
loop execute command; end loop; end`
}

/** Dropping a foreign key takes the lock on the table it points at, too. */
export function partnerLocks({ things }: Work): readonly Lock[] {
  return things.foreignKeys.flatMap(({ original }) =>
    original.references === null
      ? []
      : [{ relation: original.references, level: 'access_exclusive' as const, implied: true as const }],
  )
}
