import { hash } from '../hash.ts'
import { rewriteIndex } from '../rewrite.ts'
import type { Index } from '../schema/indexes.ts'
import type { Table } from '../schema/model.ts'
import { sql } from '../sql.ts'
import type { Copy, Renamed } from './copied.ts'
import { buildLocks, loosePartsSql } from './index-parts.ts'
import { indexHas, indexValid } from './probes.ts'
import type { IndexPartsStep, StepDraft } from './step.ts'

/** The twin of an index of a partitioned table: first of the table alone, not valid yet, and then partition by partition. */
export function carriedPartsSteps(table: Table, copy: Copy<Index>, column: Renamed): readonly StepDraft[] {
  const { original, copyName } = copy
  const parts = partsOf(table, copy, column)
  const name = `the index "${original.name}" for "${column.to}"`
  return [
    {
      kind: 'ddl',
      phase: 'verify',
      does: `make ${name}, without its partitions yet`,
      hazards: [],
      probe: indexHas(parts.index, table, null),
      // An explicit lock would take the partitions as well.
      locks: [{ relation: table, level: 'share', implied: true }],
      requires: [],
      statements: [rewriteIndex(original.definition, column, copyName, original.tablespace)],
      cost: 'instant',
    },
    {
      ...parts,
      phase: 'verify',
      how: 'build',
      does: `build ${name} in each partition of "${table.name}"`,
      hazards: [],
      probe: indexValid(parts.index),
      locks: buildLocks(table),
    },
  ]
}

/** What is attached goes with the index; what is not yet would stay. */
export function dropLooseStep(table: Table, copy: Copy<Index>, column: Renamed): StepDraft {
  const parts = partsOf(table, copy, column)
  return {
    ...parts,
    phase: 'expand',
    how: 'drop',
    does: `drop what the build of "${copy.original.name}" for "${column.to}" left unattached`,
    hazards: [],
    probe: sql`not exists (${loosePartsSql(parts)})`,
    locks: [],
  }
}

type Parts = Pick<
  IndexPartsStep,
  'kind' | 'table' | 'index' | 'using' | 'tablespace' | 'nameParts' | 'prefix'
>

function partsOf(table: Table, { original, copyName }: Copy<Index>, { from, to, finalName }: Renamed): Parts {
  return {
    kind: 'index_parts',
    table,
    index: { namespace: table.namespace, name: copyName },
    using: null,
    tablespace: original.tablespace,
    nameParts: original.nameParts.map((part) => (part === from ? (finalName ?? to) : part)),
    prefix: `bellows_part_${hash(copyName).slice(0, 8)}_`,
  }
}
