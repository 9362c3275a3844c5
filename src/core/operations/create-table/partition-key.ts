import type { BellowsError } from '../../errors.ts'
import { parsed } from '../../parse.ts'
import { boundsProblem } from '../../plan/bounds.ts'
import { newNameProblems } from '../../plan/new-names.ts'
import type { Facts } from '../../schema/facts.ts'
import { id, join, type Sql, sql, trusted } from '../../sql.ts'
import type { CreateTable, NewPartition } from './create-table.ts'
import { invalid } from './invalid.ts'

interface PartitionKey {
  readonly method: 'range' | 'list' | 'hash'
  readonly columns: readonly string[]
}

const METHODS: Readonly<Record<string, PartitionKey['method']>> = {
  PARTITION_STRATEGY_RANGE: 'range',
  PARTITION_STRATEGY_LIST: 'list',
  PARTITION_STRATEGY_HASH: 'hash',
}

interface Statement {
  readonly CreateStmt?: {
    readonly partspec?: {
      readonly strategy?: string
      readonly partParams?: readonly {
        readonly PartitionElem?: { readonly name?: string; readonly [more: string]: unknown }
      }[]
    }
    readonly [more: string]: unknown
  }
}

/** What stands in a statement that says no more than how the table is partitioned. */
const PLAIN = new Set(['relation', 'partspec', 'oncommit'])
/** And of a column that is named and nothing more. */
const NAMED = new Set(['name', 'location'])

/** A key of columns, each with the operators that its type has by default. */
function readPartitionKey(text: string): PartitionKey | { readonly problem: string } {
  // What comes behind it must still be a statement of its own: a comment at the end would take that along.
  const found = parsed(`create table t () partition by ${text}; select 1`)
  if ('problem' in found) return found
  const [statement, ...more] = found as readonly Statement[]
  const { partspec, ...rest } = statement?.CreateStmt ?? {}
  const method = METHODS[partspec?.strategy ?? '']
  if (more.length !== 1 || method === undefined || Object.keys(rest).some((key) => !PLAIN.has(key)))
    return { problem: 'it is more than range, list or hash with columns in parentheses' }
  const columns = (partspec?.partParams ?? []).flatMap(({ PartitionElem: element = {} }) => {
    const { name } = element
    return name === undefined || Object.keys(element).some((key) => !NAMED.has(key)) ? [] : [name]
  })
  if (columns.length !== partspec?.partParams?.length)
    return { problem: 'expressions, collations and operator classes are not taken: name columns alone' }
  if (method === 'list' && columns.length > 1) return { problem: 'a list is of one column' }
  return { method, columns }
}

/** Nothing where it is not partitioned, or nobody can tell. */
function partitionKey({ partitionBy }: CreateTable): PartitionKey | undefined {
  const key = partitionBy === undefined ? undefined : readPartitionKey(partitionBy)
  return key === undefined || 'problem' in key ? undefined : key
}

export function partitionColumns(op: CreateTable): readonly string[] {
  return partitionKey(op)?.columns ?? []
}

/** The operators that a key needs are those of a row that is compared. */
export function comparisons(op: CreateTable): readonly string[] {
  return partitionColumns(op).map((name) => `row(${id(name)}) < row(${id(name)})`)
}

export function partitionBySql(op: CreateTable): Sql {
  const key = partitionKey(op)
  if (key === undefined) return sql``
  return sql` partition by ${trusted(key.method)} (${join(key.columns.map(id))})`
}

/** What is wrong with how it is to be divided. */
export function partitionProblems(op: CreateTable, facts: Facts): readonly BellowsError[] {
  const { partitionBy, partitions = [] } = op
  if (partitionBy === undefined)
    return partitions.length === 0
      ? []
      : [
          invalid(
            `The table "${op.table}" has partitions, and is not partitioned.`,
            'Say by what: partition_by: range (<column>)',
          ),
        ]
  const key = readPartitionKey(partitionBy)
  if ('problem' in key)
    return [
      invalid(
        `"${op.table}" cannot be partitioned by ${partitionBy}: ${key.problem}.`,
        'Write it as in SQL, such as range (placed_at).',
      ),
    ]
  return [
    ...key.columns.flatMap((name) => keyColumnProblems(op, name)),
    ...uniqueProblems(op, key),
    ...partitions.flatMap((one) => boundProblems(op, one)),
    ...partitions.flatMap(({ name }) =>
      newNameProblems('partition', { namespace: op.namespace, name }, facts),
    ),
  ]
}

function keyColumnProblems(op: CreateTable, name: string): readonly BellowsError[] {
  const column = op.columns.find((one) => one.name === name)
  if (column === undefined)
    return [
      invalid(
        `"${op.table}" cannot be partitioned by "${name}", which is no column of it.`,
        `It has ${op.columns.map((one) => one.name).join(', ')}.`,
      ),
    ]
  if (column.generated === undefined) return []
  return [
    invalid(
      `"${op.table}" cannot be partitioned by "${name}", which is generated.`,
      'PostgreSQL has to know the partition before it computes the column.',
    ),
  ]
}

/** Each partition has an index of its own: what is unique in each is unique in all only if the key says which one it is. */
function uniqueProblems(op: CreateTable, key: PartitionKey): readonly BellowsError[] {
  const keys = [
    ...(op.primaryKey === undefined ? [] : [{ what: 'primary key', columns: op.primaryKey }]),
    ...op.constraints.flatMap((one) =>
      one.kind === 'unique' ? [{ what: 'unique constraint', columns: one.columns }] : [],
    ),
  ]
  return keys.flatMap(({ what, columns }) => {
    const lacking = key.columns.filter((name) => !columns.includes(name))
    return lacking.length === 0
      ? []
      : [
          invalid(
            `The ${what} (${columns.join(', ')}) of "${op.table}" lacks ${lacking.join(', ')}, by which the table is partitioned.`,
            'Add that to it, or leave it out.',
          ),
        ]
  })
}

function boundProblems(op: CreateTable, { name, bounds }: NewPartition): readonly BellowsError[] {
  if (isDefault(bounds)) return []
  const problem = boundsProblem(bounds)
  return problem === undefined
    ? []
    : [
        invalid(
          `The bounds ${bounds} of the partition "${name}" of "${op.table}" cannot be used: ${problem}.`,
          'Write them as in SQL, such as for values from (1) to (100).',
        ),
      ]
}

export function isDefault(bounds: string): boolean {
  return bounds.trim().toLowerCase() === 'default'
}
