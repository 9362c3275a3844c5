import { assert } from '../../core/errors.ts'
import type { TableStep } from '../../core/plan/step.ts'
import type { TableFile } from '../../core/run/ranges.ts'
import type { QualifiedName } from '../../core/schema/model.ts'
import { lit, qualified, regclass, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Engine, Working } from '../context.ts'
import { attempted } from './attempts.ts'

/** Blocks that are read to learn how many rows one holds, where the table was never analysed. */
const SAMPLE_BLOCKS = 32
/** Up to so many blocks rows are counted rather than estimated: it takes some milliseconds. */
const COUNTED_BLOCKS_MAX = 2_000
/** PostgreSQL's MaxHeapTuplesPerPage for blocks of 8 KiB; larger blocks have as many more. */
const LINES_PER_BLOCK = 291

/**
 * Looks at the table's file. Rows of blocks that are added later need no pass: every version of a row that is written after
 * the dual write was installed is filled by it.
 */
export async function readFile(engine: Engine, table: QualifiedName): Promise<TableFile> {
  const name = qualified(table)
  const relation = sql`pg_catalog.to_regclass(${lit(name)})`
  const [file] = await engine.database.read<{
    filenode: number
    blocks: number
    lines: number
    estimate: number
  }>(sql`
select pg_catalog.pg_relation_filenode(${relation})::bigint as filenode,
    pg_catalog.pg_relation_size(${relation}) / block_size as blocks,
    ${lit(LINES_PER_BLOCK)} * block_size / 8192 as lines,
    (select case when reltuples > 0 and relpages > 0 then reltuples / relpages else -1 end from pg_catalog.pg_class where oid = ${relation}) as estimate
  from (select pg_catalog.current_setting('block_size')::bigint as block_size) server`)
  const { filenode = 0, blocks = 0, lines = LINES_PER_BLOCK, estimate = -1 } = file ?? {}
  const counted = blocks <= COUNTED_BLOCKS_MAX ? await count(engine, name, blocks) : undefined
  const sampled = Math.min(blocks, SAMPLE_BLOCKS)
  const perBlock =
    counted !== undefined
      ? counted / Math.max(1, blocks)
      : estimate > 0
        ? estimate
        : (await count(engine, name, sampled)) / sampled
  return {
    filenode,
    blocks,
    rowsPerBlock: Math.max(1, perBlock),
    linesPerBlock: lines,
    rows: Math.round(counted ?? perBlock * blocks),
  }
}

/** The same for whoever is to work at it, and waits for those who have it for themselves as for those who have its rows. */
export async function fileOf(engine: Working, step: TableStep): Promise<TableFile> {
  const file = await attempted(engine, {
    step,
    batch: () => readFile(engine, step.table),
    canBeSmaller: false,
    explain: async (error) => error,
  })
  assert(file !== 'too slow', 'there are no smaller parts')
  return file
}

async function count(engine: Engine, table: Sql, blocks: number): Promise<number> {
  const [answer] = await engine.database.read<{ rows: number }>(
    sql`select count(*) as rows from ${table} where ctid < ${lit(`(${blocks},0)`)}::pg_catalog.tid`,
  )
  return answer?.rows ?? 0
}

/** Has the table been rewritten since? Then every position in it is void. */
export function isRewritten(table: QualifiedName, file: TableFile): Sql {
  return sql`(pg_catalog.pg_relation_filenode(${regclass(table)}) is distinct from ${lit(file.filenode)}::${trusted('pg_catalog.oid')})`
}
