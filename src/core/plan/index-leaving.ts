import type { BellowsError } from '../errors.ts'
import type { Index } from '../schema/indexes.ts'
import type { QualifiedName, Table } from '../schema/model.ts'
import { qualified, shown } from '../sql.ts'
import type { Hazard } from './hazard.ts'
import { type Leaver, ofItsTable } from './leaver.ts'
import { refused } from './table-checks.ts'
import { NOT_IN_LOG, type Shows } from './thing.ts'

export function findIndex(table: Table, name: string): Index | undefined {
  return table.indexes.find((index) => index.name === name)
}

export function indexMissing(table: Table, name: string): BellowsError {
  const names = table.indexes.map((index) => shown(index.name)).join(', ')
  return refused(
    `The table "${table.name}" has no index ${shown(name)}.`,
    names === '' ? 'It has none at all.' : `It has ${names}.`,
  )
}

/** The name of such an index is that of its constraint. */
export function constraintProblems(index: Index, instead: string): readonly BellowsError[] {
  if (index.constraint === null) return []
  return [
    refused(
      `The index ${shown(index.name)} carries the constraint ${shown(index.constraint)}.`,
      `Write ${instead} instead.`,
    ),
  ]
}

/** What keeps an index from being dropped, without anybody's queries. */
export function leavingProblems(table: Table, index: Index): readonly BellowsError[] {
  const named = `The index ${shown(index.name)} of "${table.name}"`
  return [
    ...(index.replicaIdentity
      ? [
          refused(
            `${named} is its replica identity: without it every UPDATE and DELETE of a published table fails.`,
            `Give the table another one first: alter table ${qualified(table)} replica identity full`,
          ),
        ]
      : []),
    ...(index.clustered
      ? [
          refused(
            `${named} is the one that CLUSTER goes by.`,
            `Tell it to go by none first: alter table ${qualified(table)} set without cluster`,
          ),
        ]
      : []),
    ...markedPartProblems(index),
    ...index.foreignKeys.map((key) =>
      refused(`${named} is relied on by the foreign key ${key}.`, 'Drop the foreign key first.'),
    ),
  ]
}

/** A partition has its own replica identity, and CLUSTER goes by an index of its own. */
export function markedPartProblems({ name, markedParts }: Index): readonly BellowsError[] {
  return (markedParts ?? []).map(({ replicaIdentity, ...part }) => {
    const named = `The partition ${shown(part.namespace)}.${shown(part.name)} has its part of the index ${shown(name)}`
    return replicaIdentity
      ? refused(
          `${named} as its replica identity: without it every UPDATE and DELETE of a published partition fails.`,
          `Give the partition another one first: alter table ${qualified(part)} replica identity full`,
        )
      : refused(
          `${named} as the one that CLUSTER goes by.`,
          `Tell it to go by none first: alter table ${qualified(part)} set without cluster`,
        )
  })
}

/** What old queries lose with an index. */
export function leavingIndexHazards(table: Table, index: Index): readonly Hazard[] {
  return [
    {
      code: 'slower_queries',
      because: `Queries that go by ${shown(index.name)} read more of "${table.name}" from then on. Its use so far: select idx_scan from pg_stat_all_indexes where indexrelid = '${qualified({ namespace: table.namespace, name: index.name })}'::regclass`,
    },
    ...(index.unique
      ? [
          {
            code: 'allows_duplicates' as const,
            because: `Nothing keeps duplicates out any more, and an INSERT ... ON CONFLICT that goes by ${shown(index.name)} fails.`,
          },
        ]
      : []),
  ]
}

/** Somebody reads by it, which the server counts; and by what keeps duplicates out somebody may resolve conflicts. */
export function leavingIndex(of: Table, index: Index): Leaver {
  const { namespace } = of
  return ofItsTable(of, `the index ${shown(namespace)}.${shown(index.name)}`, {
    shows: [
      { by: 'scans', index: { namespace, name: index.name } },
      ...(index.unique ? [conflictBy(of, index)] : []),
    ],
    ...NOT_IN_LOG,
  })
}

/** Another index serves whoever reads, and no more. */
export function leavingKey(of: Table, index: Index): Leaver {
  return ofItsTable(of, `the old key of the index ${shown(of.namespace)}.${shown(index.name)}`, {
    shows: [conflictBy(of, index)],
    ...NOT_IN_LOG,
  })
}

function conflictBy({ namespace, name: table }: QualifiedName, { name, columns }: Index): Shows {
  return { by: 'conflict', table: { namespace, name: table }, constraint: name, columns }
}
