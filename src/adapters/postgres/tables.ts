import { BellowsError } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { withFollowing } from '../../core/operations/rules/followers.ts'
import type { Leaver } from '../../core/plan/leaver.ts'
import {
  type Dependent,
  findTable,
  type Part,
  type QualifiedName,
  type Table,
} from '../../core/schema/model.ts'
import { qualified, trusted } from '../../core/sql.ts'
import { readDependentsOfEach } from './dependents.ts'
import { literalTexts, volatilityReader } from './expressions.ts'
import { readMentions } from './mentions.ts'
import type { Sessions } from './sessions.ts'
import { tablesQuery } from './table-query.ts'

/** So many come in one answer: what is read at once is some megabytes. */
const TABLES_AT_ONCE_MAX = 200
/** Where there is much to read the server is asked by two sessions: it takes it longer to tell of a table than us to read it. */
const READERS = 2

/** In the order in which they are needed; what is not there is left out. */
export async function readTables(sessions: Sessions, asked: Needs['tables']): Promise<readonly Table[]> {
  const { needs, read } = await withThoseBehind(sessions, asked, await readAll(sessions, asked))
  const byName = new Map((await withDefaults(sessions, read)).map((table) => [qualified(table), table]))
  const partsOf = (need: Needs['tables'][number]) =>
    need.partsLeave === true ? (byName.get(qualified(need))?.parts ?? []) : []
  const parts = needs.flatMap(partsOf).map((part) => ({ ...part, columns: [], leaves: true }))
  const hanging = await readHanging(sessions, [...needs, ...parts])
  return needs.flatMap((need) => {
    const table = byName.get(qualified(need))
    if (table === undefined) return []
    const found = { ...table, ...hanging.get(qualified(need)) }
    return [
      need.partsLeave === true
        ? { ...found, parts: found.parts.map((part) => withHanging(part, hanging)) }
        : found,
    ]
  })
}

function withHanging(part: Part, hanging: ReadonlyMap<string, Hanging>): Part {
  const found = hanging.get(qualified(part))
  return found === undefined ? part : { ...part, hanging: found }
}

interface Reading {
  readonly needs: Needs['tables']
  readonly read: readonly Table[]
}

/** With the tables whose foreign keys point at columns that are followed, each with the columns of these keys. */
async function withThoseBehind(
  sessions: Sessions,
  asked: Needs['tables'],
  read: readonly Table[],
): Promise<Reading> {
  const followed = asked
    .filter(({ follows }) => follows === true)
    .flatMap((table) => table.columns.map((column) => ({ table, column })))
  const columns = followed.flatMap((one) => withFollowing({ tables: read }, one))
  const pointing = columns.flatMap(({ table, column }) => {
    const found = findTable({ tables: read }, table)
    // A foreign key needs a unique index on what it points at.
    const isKey = found?.indexes.some((index) => index.unique && index.columns.includes(column)) === true
    return isKey ? found.referencedBy.map((key) => key.table) : []
  })
  const missing = new Map(
    pointing
      .filter((one) => findTable({ tables: read }, one) === undefined)
      .map((one) => [qualified(one), { ...one, columns: [] }]),
  )
  if (missing.size > 0)
    return await withThoseBehind(sessions, asked, [
      ...read,
      ...(await readAll(sessions, [...missing.values()])),
    ])
  return { needs: merged(asked, columns, read), read }
}

/** What is asked for, and what is read besides, each with the columns of both. */
function merged(
  asked: Needs['tables'],
  columns: readonly { readonly table: QualifiedName; readonly column: string }[],
  read: readonly Table[],
): Needs['tables'] {
  if (columns.length === 0) return asked
  const known = new Set(asked.map(qualified))
  const more = new Map<string, readonly string[]>()
  for (const { table, column } of columns)
    more.set(qualified(table), [...(more.get(qualified(table)) ?? []), column])
  const besides = read.filter((table) => !known.has(qualified(table)))
  return [...asked, ...besides.map(({ namespace, name }) => ({ namespace, name, columns: [] }))].map(
    (table) => ({
      ...table,
      columns: [...new Set([...table.columns, ...(more.get(qualified(table)) ?? [])])],
    }),
  )
}

async function readAll(sessions: Sessions, needs: Needs['tables']): Promise<readonly Table[]> {
  const portions = Array.from({ length: Math.ceil(needs.length / TABLES_AT_ONCE_MAX) }, (_, at) =>
    needs.slice(at * TABLES_AT_ONCE_MAX, (at + 1) * TABLES_AT_ONCE_MAX),
  )
  const read: (readonly Table[])[] = []
  const left = portions.entries()
  const readOn = async (reader: Sessions) => {
    // All take from the same iterator.
    for (const [at, portion] of left) read[at] = await readSome(reader, portion)
  }
  if (portions.length < READERS) await readOn(sessions)
  else await sessions.beside(READERS - 1, (all) => Promise.all(all.map(readOn)))
  return read.flat()
}

async function readSome(sessions: Sessions, needs: Needs['tables']): Promise<readonly Table[]> {
  const query = tablesQuery(needs.map((need) => qualified(need)))
  const found = await sessions.read<{ table: Omit<Table, 'dependents' | 'mentions'> }>(query)
  return found.map(({ table }) => ({ ...table, dependents: [], mentions: [] }))
}

/** With what is known of the defaults of the columns. */
async function withDefaults(sessions: Sessions, tables: readonly Table[]): Promise<readonly Table[]> {
  const defaults = tables
    .flatMap((table) => table.columns)
    .flatMap((column) =>
      column.default === null
        ? []
        : [{ column, expression: trusted(column.default), type: trusted(column.type) }],
    )
  const volatility = await volatilityReader(
    sessions,
    defaults.map(({ expression }) => expression),
  )
  const texts = await literalTexts(sessions, defaults)
  const known = new Map(
    defaults.map(({ column, expression }, at) => {
      const text = texts[at] ?? null
      // A literal that its own domain refuses is none that a row could have.
      const defaultText = text instanceof BellowsError ? null : text
      return [column, { ...column, defaultVolatility: volatility(expression), defaultText }]
    }),
  )
  return tables.map((table) => ({
    ...table,
    columns: table.columns.map((column) => known.get(column) ?? column),
  }))
}

type Hanging = Pick<Table, 'dependents' | 'mentions'>

/** What hangs on the tables and columns that are to leave, by the table. */
async function readHanging(
  sessions: Sessions,
  needs: Needs['tables'],
): Promise<ReadonlyMap<string, Hanging>> {
  const columns = needs.flatMap((table) => table.columns.map((column) => ({ table, column })))
  const whole = needs.flatMap((table): readonly Leaver[] => (table.leaves === true ? [{ table }] : []))
  const leaving: readonly Leaver[] = [...whole, ...columns]
  const dependents = await readDependentsOfEach(sessions, leaving)
  const hanging = byTable(leaving, ({ column }, at): readonly Dependent[] =>
    (dependents[at]?.found ?? []).map((found) => (column === undefined ? found : { ...found, column })),
  )
  const mentions = await readMentions(sessions, leaving)
  const mentioned = byTable(leaving, (_, at) => mentions[at] ?? [])
  return new Map(
    needs.map((need) => [
      qualified(need),
      { dependents: hanging.get(qualified(need)) ?? [], mentions: mentioned.get(qualified(need)) ?? [] },
    ]),
  )
}

function byTable<A extends { readonly table: QualifiedName }, T>(
  asked: readonly A[],
  found: (one: A, at: number) => readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const tables = new Map<string, readonly T[]>()
  for (const [at, one] of asked.entries()) {
    const name = qualified(one.table)
    tables.set(name, [...(tables.get(name) ?? []), ...found(one, at)])
  }
  return tables
}
