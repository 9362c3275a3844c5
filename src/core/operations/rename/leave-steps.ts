import { attributesSql } from '../../plan/attributes.ts'
import { dropCopiesSql, replicaIdentitySql, settleSql } from '../../plan/carry.ts'
import { clearColumnState } from '../../plan/column-state.ts'
import { functionSql, uninstallSql } from '../../plan/dual-write.ts'
import { defaultName, notNullName } from '../../plan/names.ts'
import { uninstallCounterSql } from '../../plan/old-writes.ts'
import { all, columnAbsent, constraintAbsent, dualWriteAbsent, indexValid } from '../../plan/probes.ts'
import { noStrangers, retireStep, undoStep } from '../../plan/retire.ts'
import type { Lock, Requirement, StepDraft } from '../../plan/step.ts'
import { id, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { renamedSequence } from './renamed-schema.ts'
import {
  asPlannedRequirements,
  carriedAttributes,
  lastRequirement,
  onTable,
  proofNames,
  standsRequirement,
  validatedRequirement,
  type Work,
} from './work.ts'

/** Hides the old column and goes on keeping it in step under its hidden name. */
export function hideStep(work: Work): StepDraft {
  const { op, table, installed, hidden, leaving, mapping, names, counting } = work
  const requires = [
    ...asPlannedRequirements(work),
    standsRequirement(installed),
    lastRequirement(installed),
    ...proofNames(work).map((name) => validatedRequirement(table, name)),
    ...copiedIndexRequirements(work),
  ]
  const statements =
    mapping.down === undefined
      ? [
          // No value can be taken back to the hidden column, so nothing may ask for one.
          sql`alter table ${qualified(table)} drop constraint ${id(names.proof)}, alter column ${id(leaving.hidden)} drop not null`,
          ...uninstallSql(installed),
          ...uninstallCounterSql(counting),
          ...moveDefaultSql(work),
          clearColumnState(table, op.to),
        ]
      : [functionSql(hidden)]
  return retireStep(leaving, { requires, statements })
}

/** The default of the old column, as the new one has it: what the default gives goes the same way as every value. */
function carriedDefault({ op, fromColumn, mapping }: Work): Sql | undefined {
  if (fromColumn.default === null) return undefined
  const text = trusted(fromColumn.default)
  return (op.transform ?? 'copy') === 'copy' ? text : mapping.up(sql`(${text})::${trusted(fromColumn.type)}`)
}

/** Nothing fills the new column from the hidden one any more, so the default goes over now, and not at the purge. */
function moveDefaultSql(work: Work): readonly Sql[] {
  const { op, table, leaving } = work
  const value = carriedDefault(work)
  if (value === undefined) return []
  return [
    sql`alter table ${qualified(table)} alter column ${id(leaving.hidden)} drop default, alter column ${id(op.to)} set default ${value}`,
  ]
}

/** A missing copy would leave the new column without what the old one had; nothing vanishes with `DROP COLUMN`. */
function copiedIndexRequirements({ table, things }: Work): readonly Requirement[] {
  return [...things.indexes, ...things.uniques].map(({ original, copyName }) => ({
    that: indexValid({ namespace: table.namespace, name: copyName }),
    code: 'drift_found' as const,
    otherwise: `the copy "${copyName}" of "${original.name}" is missing or invalid`,
  }))
}

/** The point of no return. Checks facts of the catalog only, drops the old column, and settles names and rules. */
export function purgeStep(work: Work): StepDraft {
  const { op, table, hidden, leaving, names, things, fromColumn, mapping, counting } = work
  const isDual = mapping.down !== undefined
  const proofs = proofNames(work).filter((name) => isDual || name !== names.proof)
  return {
    kind: 'purge',
    phase: 'purge',
    does: `drop the column "${op.from}" of "${table.name}"`,
    hazards: [
      {
        code: 'drops_values',
        because: `There is no way back after this step; "${op.to}" holds every value.`,
      },
    ],
    probe: all([columnAbsent(table, leaving.hidden), constraintAbsent(table, names.proof)]),
    changes: { kind: 'removed', column: op.from },
    locks: [{ relation: table, level: 'access_exclusive' }, ...partnerLocks(work), ...sequenceLocks(work)],
    requires: [
      noStrangers(leaving, leaving.hidden),
      ...(isDual ? [standsRequirement(hidden)] : []),
      ...proofs.map((name) => validatedRequirement(table, name)),
      ...copiedIndexRequirements(work),
    ],
    statements: [
      ...(isDual ? [...uninstallSql(hidden), ...uninstallCounterSql(counting)] : []),
      ...ownRulesSql(work),
      ...replicaIdentitySql(table, things),
      sql`alter table ${qualified(table)} ${trusted(
        [
          ...(isDual ? [`drop constraint ${id(names.proof)}`] : []),
          ...(fromColumn.nullable ? [] : [`drop constraint ${id(names.notNullProof)}`]),
          `drop column ${id(leaving.hidden)} restrict`,
        ].join(', '),
      )}`,
      ...settleSql(table, things),
      ...notNullNameSql(work),
      clearColumnState(table, op.from),
    ],
    cost: 'instant',
  }
}

/** NOT NULL (instant, the validated CHECK proves it), the default, and the sequence of a `serial`. */
function ownRulesSql(work: Work): readonly Sql[] {
  const { op, table, fromColumn, toColumn } = work
  const value = carriedDefault(work)
  const alterations = [
    ...(fromColumn.nullable ? [] : [sql`alter column ${id(op.to)} set not null`]),
    ...(value === undefined ? [] : [sql`alter column ${id(op.to)} set default ${value}`]),
  ]
  const sequences = fromColumn.sequences.flatMap((sequence) => {
    const renamed = renamedSequence(op, table, sequence)
    return [
      sql`alter sequence ${qualified(sequence)} owned by ${qualified(table)}.${id(op.to)}`,
      // A wider column would otherwise still end where the old one did.
      ...(fromColumn.baseType === toColumn.baseType
        ? []
        : [sql`alter sequence ${qualified(sequence)} as ${trusted(toColumn.baseType)}`]),
      ...(renamed === sequence
        ? []
        : [sql`alter sequence ${qualified(sequence)} rename to ${id(renamed.name)}`]),
    ]
  })
  return [
    ...(alterations.length === 0
      ? []
      : [sql`alter table ${qualified(table)} ${trusted(alterations.join(', '))}`]),
    ...sequences,
  ]
}

/** Whoever asks the sequence for a number meanwhile waits, also for another table. */
function sequenceLocks({ op, table, fromColumn }: Work): readonly Lock[] {
  return fromColumn.sequences.map((relation) => ({
    relation,
    level: renamedSequence(op, table, relation) === relation ? 'share_row_exclusive' : 'access_exclusive',
    implied: true,
  }))
}

/** Since PostgreSQL 18 a NOT NULL is a constraint, whose own name stays if somebody chose one. */
function notNullNameSql({ op, table }: Work): readonly Sql[] {
  const original = table.constraints.find((one) => one.kind === 'not_null' && one.columns.includes(op.from))
  if (original === undefined) return []
  const given = defaultName(op.table, [op.to], 'not_null')
  const wanted = notNullName(op, original.name)
  return given === wanted
    ? []
    : [sql`alter table ${qualified(table)} rename constraint ${id(given)} to ${id(wanted)}`]
}

/** Dropping a foreign key takes the lock on the table it points at, too. */
function partnerLocks({ things }: Work): readonly Lock[] {
  return things.foreignKeys.flatMap(({ original }) =>
    original.references === null
      ? []
      : [{ relation: original.references, level: 'access_exclusive' as const, implied: true as const }],
  )
}

/** Undoes `hideStep`: instant and lossless, because the hidden column was kept in step. */
export function returnStep({ leaving, installed }: Work): StepDraft {
  return undoStep(leaving, [functionSql(installed)])
}

/** Takes everything away that expand and verify put on the table. */
export function takeBackStep(work: Work): StepDraft {
  const { op, table, installed, counting, names, things, adopted, toColumn, fromColumn } = work
  const dropProofs = [names.proof, names.notNullProof].map(
    (name) => sql`drop constraint if exists ${id(name)}`,
  )
  return {
    ...onTable(table),
    kind: 'ddl',
    phase: 'expand',
    does: adopted
      ? `let go of "${op.to}" of "${op.table}"`
      : `drop the column "${op.to}" of "${op.table}" again`,
    locks: [{ relation: table, level: 'access_exclusive' }, ...partnerLocks(work)],
    probe: all([dualWriteAbsent(installed), ...(adopted ? [] : [columnAbsent(table, op.to)])]),
    statements: [
      ...uninstallSql(installed),
      ...uninstallCounterSql(counting),
      sql`alter table ${qualified(table)} ${trusted(dropProofs.join(', '))}`,
      ...dropCopiesSql(table, things),
      ...(adopted
        ? attributesSql(table, op.to, carriedAttributes(fromColumn, toColumn), toColumn)
        : [sql`alter table ${qualified(table)} drop column if exists ${id(op.to)} restrict`]),
      clearColumnState(table, op.to),
    ],
    // Also one that stays: whoever writes it would no longer be followed.
    retires: { table, column: op.to },
  }
}
