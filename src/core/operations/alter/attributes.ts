import { BellowsError } from '../../errors.ts'
import { attributesSql } from '../../plan/attributes.ts'
import { aloneLock } from '../../plan/locks.ts'
import { attributesAre } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { differingPartProblems, refused } from '../../plan/table-checks.ts'
import type { Column } from '../../schema/model.ts'
import { type AlterColumn, type Altered, altered, withColumn } from './alter.ts'
import type { Part } from './part.ts'

const STATISTICS_MAX = 10_000

/** Comment, statistics, storage and compression: no instance sees them. Values that are there stay stored as they are. */
export function attributesPart(op: AlterColumn): readonly Part[] {
  const { comment, statistics, storage, compression } = op
  if ([comment, statistics, storage, compression].every((one) => one === undefined)) return []
  return [
    {
      check: ({ schema }) => problems(op, altered(op, schema)),
      apply: (schema) => withColumn(op, schema, (column) => wanted(op, column)),
      expand: ({ schema }) => {
        const { table, column } = altered(op, schema)
        return [step({ table, column }, wanted(op, column), 'change how')]
      },
      contract: () => [],
      rollback: ({ schema }) => {
        const { table, column } = altered(op, schema)
        return [step({ table, column: wanted(op, column) }, column, 'change back how')]
      },
    },
  ]
}

function wanted(op: AlterColumn, column: Column): Column {
  return {
    ...column,
    ...(op.comment === undefined ? {} : { comment: op.comment }),
    ...(op.statistics === undefined ? {} : { statisticsTarget: op.statistics }),
    ...(op.storage === undefined ? {} : { storage: op.storage }),
    ...(op.compression === undefined ? {} : { compression: op.compression }),
  }
}

function step({ table, column: has }: Altered, wants: Column, does: string): StepDraft {
  const isStored = has.storage !== wants.storage || has.compression !== wants.compression
  const level = isStored ? 'access_exclusive' : 'share_update_exclusive'
  // Only a comment is no matter of the partitions.
  const isHandedOn = isStored || has.statisticsTarget !== wants.statisticsTarget
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `${does} "${has.name}" of "${table.name}" is described and stored`,
    hazards: [],
    probe: attributesAre(table, wants),
    locks: [isHandedOn ? { relation: table, level } : aloneLock(table, level)],
    requires: [],
    statements: attributesSql(table, has.name, has, wants),
    cost: 'instant',
  }
}

function problems(op: AlterColumn, { table, column }: Altered): readonly BellowsError[] {
  const { statistics, storage, compression } = op
  const isPartitioned = table.kind === 'partitioned'
  const of = `"${table.name}"."${column.name}"`
  return [
    ...(statistics === undefined || (statistics >= -1 && statistics <= STATISTICS_MAX)
      ? []
      : [
          new BellowsError(
            'migration_invalid',
            `The statistics of ${of} cannot be ${statistics}: they go from -1 to ${STATISTICS_MAX}.`,
          ),
        ]),
    ...(column.typeStorage === 'plain' &&
    ((storage !== undefined && storage !== 'plain') || (compression ?? null) !== null)
      ? [refused(`${of} is of type ${column.type}, whose values are always stored plain.`)]
      : []),
    ...(compression !== undefined && isPartitioned
      ? [
          refused(
            `The compression of ${of} cannot be set: of a partitioned table PostgreSQL hands it on to no partition that is there.`,
            'Set it on each partition, with an operation "sql".',
          ),
        ]
      : []),
    ...(statistics === undefined ? [] : differingPartProblems(table, column.name, 'statistics')),
    ...(storage === undefined ? [] : differingPartProblems(table, column.name, 'storage')),
  ]
}
