import { describe, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { id } from '../../src/core/sql.ts'
import { CROWDED, HARD_TABLES, type HardTable, hardTable, tableName } from '../support/hard-tables.ts'
import { liveThrough } from '../support/lifecycle.ts'

/** What an operation makes of a hard table, and how its new version works with it. */
interface Trial {
  readonly operation: (hard: HardTable) => Operation
  /** Columns in the end, besides the key. */
  readonly columns: (hard: HardTable) => readonly string[]
  /** What else the database has in the end. */
  readonly besides?: (hard: HardTable) => string
  /** Columns that the new version writes. */
  readonly writes: (hard: HardTable) => readonly string[]
}

const on = ({ namespace, table }: HardTable) => ({ namespace, table })
const given = ({ column, legacy }: HardTable) => [
  `${id(column)} text not null`,
  `${id(legacy)} text not null`,
]

const lowerIndex = (hard: HardTable) => `create index on ${tableName(hard)} (lower(${id(hard.column)}))`

/** A new operation adds what it does to the columns of a table. */
const TRIALS: Readonly<Record<string, Trial>> = {
  'add_column, at once': {
    operation: (hard) => ({
      kind: 'add_column',
      ...on(hard),
      column: hard.free,
      type: 'text',
      nullable: true,
    }),
    columns: (hard) => [...given(hard), `${id(hard.free)} text`],
    writes: ({ column, legacy, free }) => [column, legacy, free],
  },
  'add_column, row by row': {
    operation: (hard) => ({
      kind: 'add_column',
      ...on(hard),
      column: hard.free,
      type: 'text',
      nullable: false,
      up: `lower(${id(hard.column)})`,
      default: `'none'`,
    }),
    columns: (hard) => [...given(hard), `${id(hard.free)} text not null default 'none'`],
    writes: ({ column, legacy, free }) => [column, legacy, free],
  },
  drop_column: {
    operation: (hard) => ({
      kind: 'drop_column',
      ...on(hard),
      column: hard.legacy,
      down: `lower(${id(hard.column)})`,
    }),
    columns: (hard) => given(hard).slice(0, 1),
    writes: ({ column }) => [column],
  },
  alter_column: {
    operation: (hard) => ({ kind: 'alter_column', ...on(hard), column: hard.legacy, default: `'none'` }),
    columns: (hard) => [...given(hard).slice(0, 1), `${id(hard.legacy)} text not null default 'none'`],
    writes: ({ column, legacy }) => [column, legacy],
  },
  add_constraint: {
    operation: (hard) => ({
      kind: 'add_constraint',
      ...on(hard),
      when: 'before_rollout',
      unique: [hard.column],
    }),
    columns: (hard) => [...given(hard), `unique (${id(hard.column)})`],
    writes: ({ column, legacy }) => [column, legacy],
  },
  create_index: {
    operation: (hard) => ({ kind: 'create_index', definition: lowerIndex(hard) }),
    columns: given,
    besides: lowerIndex,
    writes: ({ column, legacy }) => [column, legacy],
  },
  rename_column: {
    operation: (hard) => ({ kind: 'rename_column', ...on(hard), from: hard.column, to: hard.free }),
    columns: (hard) => [...given(hard).slice(1), `${id(hard.free)} text not null`],
    writes: ({ legacy, free }) => [free, legacy],
  },
}

const TAKE_SLOTS = ['add_column, row by row', 'rename_column']

const CASES = Object.entries(TRIALS).flatMap(([name, trial]) =>
  [...HARD_TABLES, ...(TAKE_SLOTS.includes(name) ? [CROWDED] : [])].map(
    (hard) => [name, hard.what, hard, trial] as const,
  ),
)

describe('on a table with what is hard, its owner can', () => {
  test.for(CASES)('%s: %s', async ([, , hard, trial]) => {
    const table = tableName(hard)
    const inserting = (columns: readonly string[]) =>
      `insert into ${table} (${columns.map((name) => id(name)).join(', ')}) values (${columns.map(() => `'W ' || $1`).join(', ')})`
    const operation = trial.operation(hard)
    const renewed = trial.writes(hard)
    await liveThrough({
      given: `${hardTable(hard, given(hard))} insert into ${table} (${id(hard.column)}, ${id(hard.legacy)}) select 'Row ' || i, 'x' from generate_series(1, 300) i`,
      operations: [operation],
      direct: `${hardTable(hard, trial.columns(hard))} ${trial.besides?.(hard) ?? ''}`,
      old: [
        {
          name: 'old',
          statements: [
            inserting([hard.column, hard.legacy]),
            `update ${table} set ${id(hard.column)} = ${id(hard.column)} || '.' where ${id(hard.key.name)} = 1 + $1 % 300`,
          ],
        },
      ],
      renewed: [
        {
          name: 'new',
          statements: [inserting(renewed), `select ${id(renewed[0] ?? '')} from ${table} limit $1 % 3`],
        },
      ],
    })
  })
})
