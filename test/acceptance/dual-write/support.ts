import { expect } from 'vitest'
import type { RenameColumn } from '../../../src/core/operations/rename/rename.ts'
import { dualWrite } from '../../../src/core/plan/dual-write.ts'
import type { Mapping } from '../../../src/core/plan/mapping.ts'
import { bodyOf, type Installed, installSql } from '../../../src/core/plan/row-trigger.ts'
import type { Column } from '../../../src/core/schema/model.ts'
import { sql, trusted } from '../../../src/core/sql.ts'
import type { TestDatabase } from '../../support/database.ts'
import type { Values, Way } from './ways.ts'

export const MAPPINGS = {
  lossless: { up: (old) => old, down: (renewed) => renewed },
  /** Legal through both columns, but ' x ' written to the new one does not come from any old value. */
  lossy: { up: (old) => sql`pg_catalog.btrim(${old})`, down: (renewed) => renewed },
  forwardOnly: { up: (old) => sql`pg_catalog.btrim(${old})`, down: undefined },
  forwardUpper: { up: (old) => sql`pg_catalog.upper(${old})`, down: undefined },
  narrowing: { up: (old) => sql`${old}::${trusted('integer')}`, down: undefined },
  /** Takes a value to NULL. */
  emptyToNull: {
    up: (old) => sql`nullif(pg_catalog.btrim(${old}), '')`,
    down: (renewed) => renewed,
  },
  /** Takes NULL to a value, so that a row of two NULLs is consistent and yet not filled. */
  nullToNobody: {
    up: (old) => sql`coalesce(${old}, 'nobody')`,
    down: (renewed) => sql`nullif(${renewed}, 'nobody')`,
  },
} satisfies Record<string, Mapping>

export interface Shape {
  readonly mapping: Mapping
  readonly type?: string
  readonly toType?: string
  readonly default?: readonly [expression: string, volatility: NonNullable<Column['defaultVolatility']>]
  readonly partitioned?: boolean
  /** How a value is shown, as SQL; the text in quotes when absent. */
  readonly shown?: (column: string) => string
}

/** A table `people` in a schema of its own, whose columns `name` and `full_name` the trigger keeps in step. */
export interface Pair {
  readonly database: TestDatabase
  readonly table: string
  readonly shown: (column: string) => string
  /** Fills in rows as they were before the trigger, by id. */
  before(rows: ReadonlyMap<number, State>): Promise<void>
  install(): Promise<void>
}

/** `name` and `full_name` as text. */
export type State = readonly [name: string | null, fullName: string | null]

let schemas = 0

export async function makePair(database: TestDatabase, shape: Shape): Promise<Pair> {
  schemas += 1
  const namespace = `s${schemas}`
  const table = `${namespace}.people`
  const type = shape.type ?? 'text'
  const [expression, defaultVolatility] = shape.default ?? [null, null]
  await database.query(`
    create schema if not exists bellows;
    create schema ${namespace};
    create table ${table} (id integer not null, region integer not null default 1, seen integer not null default 0,
      name ${type}${expression === null ? '' : ` default ${expression}`}, full_name ${shape.toType ?? type},
      primary key (id, region))${shape.partitioned === true ? ' partition by list (region)' : ''};
    ${shape.partitioned === true ? partitionsOf(namespace) : ''}
    create view ${table}_seen as select * from ${table}`)
  const chore = dualWrite({
    table: { namespace, name: 'people' },
    from: 'name',
    to: 'full_name',
    mapping: shape.mapping,
    fromColumn: { default: expression, defaultText: null, defaultVolatility, type, identity: 'no' },
  })
  const installed: Installed = {
    table: { namespace, name: 'people' },
    trigger: 'zzz_bellows',
    function: `dual_write_${namespace}`,
    body: bodyOf(chore),
    ...(chore.when === undefined ? {} : { when: chore.when }),
  }
  return {
    database,
    table,
    shown: shape.shown ?? ((column) => `quote_literal(${column}::text)`),
    before: async (rows) => {
      const [ids, states] = [[...rows.keys()], [...rows.values()]]
      await database.query(
        `insert into ${table} (id, name, full_name) select id, name::${bare(type)}, full_name::${bare(shape.toType ?? type)}
           from unnest($1::integer[], $2::text[], $3::text[]) given (id, name, full_name)`,
        [ids, states.map(([name]) => name), states.map(([, fullName]) => fullName)],
      )
    },
    install: async () => {
      for (const statement of installSql(installed)) await database.query(statement)
    },
  }
}

/** A type without the collation of its column. */
export function bare(type: string): string {
  return type.replace(/ collate .*$/, '')
}

/** The second partition has its columns in another order, as one that was attached has. */
function partitionsOf(namespace: string): string {
  const of = `${namespace}.people`
  return `create table ${of}_1 partition of ${of} for values in (1);
    create table ${of}_2 (full_name text, gone integer, seen integer not null default 0, region integer not null default 1, name text, id integer not null);
    alter table ${of}_2 drop column gone;
    alter table ${of} attach partition ${of}_2 for values in (2);`
}

/** How a row ends: both columns, or the error; `absent` when there is no such row. */
export async function outcomeOf(pair: Pair, id: number, write: () => Promise<unknown>): Promise<string> {
  const before = await rowOf(pair, id)
  try {
    await write()
  } catch (error) {
    await pair.database.query('rollback')
    expect(await rowOf(pair, id), 'a statement that failed changed nothing').toBe(before)
    return describeError(error)
  }
  return rowOf(pair, id)
}

export function describeError(error: unknown): string {
  const { code, message } = error as { code?: string; message: string }
  return `${code}: ${message}`
}

export async function rowOf({ database, table, shown }: Pair, id: number): Promise<string> {
  const [row] = await database.query<{ row: string }>(
    `select coalesce(${shown('name')}, 'null') || ' | ' || coalesce(${shown('full_name')}, 'null') as row from ${table} where id = ${id}`,
  )
  return row?.row ?? 'absent'
}

export const TWO_VALUES =
  '23000: columns "name" and "full_name" of table "people" were given values that do not agree'
export const NO_WAY_BACK =
  '23000: a value of columns "name" and "full_name" of table "people" cannot be taken back from the second to the first'

/** What is written, and how the row ends. */
export type Cells = readonly (readonly [Values, string])[]

/** Writes each cell in each way as a row of its own, and compares. */
export async function expectInserts(
  pair: Pair,
  cells: Cells,
  ways: Readonly<Record<string, Way>>,
): Promise<void> {
  await pair.install()
  let id = 0
  for (const [way, insert] of Object.entries(ways)) {
    const ended: [Values, string][] = []
    for (const [values] of cells) {
      id += 1
      ended.push([values, await outcomeOf(pair, id, () => insert(pair, id, values))])
    }
    expect(named(ended), way).toEqual(named(cells))
  }
}

/** The same for rows that were there before the trigger, in each of some states. */
export async function expectUpdates(
  pair: Pair,
  tables: readonly (readonly [State, Cells])[],
  ways: Readonly<Record<string, Way>>,
): Promise<void> {
  const all = Object.entries(ways).flatMap(([way, write]) =>
    tables.map(([state, cells]) => ({ way, write, state, cells })),
  )
  const rows = all.flatMap(({ state, cells }) => cells.map(() => state))
  await pair.before(new Map(rows.map((state, at) => [at + 1, state])))
  await pair.install()
  let id = 0
  for (const { way, write, state, cells } of all) {
    const ended: [Values, string][] = []
    for (const [values] of cells) {
      id += 1
      ended.push([values, await outcomeOf(pair, id, () => write(pair, id, values))])
    }
    expect(named(ended), `${way} of a row ${JSON.stringify(state)}`).toEqual(named(cells))
  }
}

function named(cells: Cells): Record<string, string> {
  return Object.fromEntries(cells.map(([values, ended]) => [JSON.stringify(values), ended]))
}

export const rename = (more: Partial<RenameColumn> = {}): RenameColumn => ({
  kind: 'rename_column',
  namespace: 'public',
  table: 'people',
  from: 'name',
  to: 'full_name',
  ...more,
})

export const migration = (...operations: readonly RenameColumn[]) => ({ name: '0001_test', operations })
