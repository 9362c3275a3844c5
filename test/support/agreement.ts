import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { id, lit, qualified } from '../../src/core/sql.ts'
import { cleanUp, serverUrl, type TestDatabase } from './database.ts'
import type { Twin } from './twins.ts'

/** Looks again and again whether old and new say the same, by the names that both have at that moment. */
export interface Agreement {
  watch(rows: Rows): Watch
}

/** Looks for the last time, and tells what was wrong. Where both shapes must be there, it is wrong that they are not. */
export type Watch = (must?: Shape) => Promise<readonly string[]>

/** `filled`: those that have a new value; one that was there before waits for it until the backfill comes by. */
type Rows = 'all' | 'filled'

/** Is the old one seen by everybody, or hidden? */
type Shape = 'seen' | 'hidden'

/** Between two looks, so that what is tested gets the processor, too. Nothing is locked meanwhile. */
const PAUSE_MS = 25
/** More of them say nothing new. */
const WRONG_KEPT = 3
/** A look begins anew where its table gets another name right then, as it does once at a contract, and once at its undo. */
const TRIES_MAX = 3
const UNDEFINED_TABLE = '42P01'

export async function agreementOf(database: TestDatabase, twins: readonly Twin[]): Promise<Agreement> {
  if (twins.length === 0) return { watch: () => async () => [] }
  // What is hidden is for no application.
  const session = await database.session('watcher', new URL(serverUrl()).username)
  const looks: Look[] = []
  for (const twin of twins) looks.push(await lookFor(session, twin))
  const now: Look = async (rows, must) => {
    const wrong: string[] = []
    for (const look of looks) wrong.push(...(await look(rows, must)))
    return wrong
  }
  return {
    watch: (rows) => {
      let isRunning = true
      const running = (async () => {
        const wrong: string[] = []
        while (isRunning) {
          wrong.push(...(await now(rows)))
          await sleep(PAUSE_MS)
        }
        return wrong
      })()
      cleanUp(async () => {
        isRunning = false
        await running
      })
      return async (must) => {
        isRunning = false
        const wrong = await running
        return [...new Set([...wrong, ...(await now(rows, must))])].slice(0, WRONG_KEPT)
      }
    },
  }
}

type Look = (rows: Rows, must?: Shape) => Promise<readonly string[]>

/** Whatever a table is called by then, it is the one that it was. */
async function lookFor(session: pg.Client, twin: Twin): Promise<Look> {
  const idsOf = (names: readonly string[]) =>
    read<number>(
      session,
      names.map((name) => `${lit(name)}::regclass::oid`),
    )
  const namesOf = (ids: readonly number[]) =>
    read<string>(
      session,
      ids.map((one) => `${one}::regclass::text`),
    )
  const ids = await idsOf(twin.tables.map((table) => qualified(table)))
  let names = await namesOf(ids)
  return async (rows, must) => {
    for (let tries = 1; ; tries += 1) {
      try {
        await session.query(lookSql(twin, { ids, names }, { rows, must }))
        return []
      } catch (error) {
        const isElsewhere = error instanceof pg.DatabaseError && error.code === UNDEFINED_TABLE
        if (!isElsewhere || tries === TRIES_MAX) return [String(error)]
        names = await namesOf(ids)
      }
    }
  }
}

async function read<V>(session: pg.Client, values: readonly string[]): Promise<readonly V[]> {
  const { rows } = await session.query<V[]>({ text: `select ${values.join(', ')}`, rowMode: 'array' })
  return rows[0] ?? []
}

interface Tables {
  readonly ids: readonly number[]
  readonly names: readonly string[]
}

/** The lock comes first: from then on nobody changes a name, so what is found is compared under the names that it has. */
function lookSql(
  twin: Twin,
  { ids, names }: Tables,
  { rows, must }: { readonly rows: Rows; readonly must: Shape | undefined },
): string {
  const { olds, news, isKept } = twin
  const [first, last] = [ids[0], ids.at(-1)]
  const areSeen = areThere(
    first,
    olds.map(({ name }) => name),
  ).concat(
    areThere(
      last,
      news.map(({ until }) => until),
    ),
  )
  const areHidden = areThere(
    first,
    olds.map(({ hidden }) => hidden),
  )
  const hidden = comparisonSql(twin, names, rows, {
    olds: olds.map((one) => one.hidden),
    news: news.map(({ name }) => name),
  })
  const seen = comparisonSql(twin, names, rows, {
    olds: olds.map(({ name }) => name),
    news: news.map(({ until }) => until),
  })
  const tell = (when: string, comparison: string) =>
    `for watched_row in ${comparison} loop raise 'old and new disagree while the old is ${when}: %', watched_row; end loop;`
  return `do $watch$ declare watched_row jsonb; begin
    lock table ${names.map((name) => `only ${name}`).join(', ')} in access share mode;
    if row(${names.map((name) => `${lit(name)}::regclass::oid`).join(', ')}) is distinct from row(${ids.map((one) => `${one}::oid`).join(', ')}) then
      raise 'this is another table' using errcode = '${UNDEFINED_TABLE}';
    end if;
    ${isKept ? `if ${areHidden.join(' and ')} then ${tell('hidden', hidden)} ${must === 'hidden' ? `else raise 'no hidden column is there';` : ''} end if;` : ''}
    if ${areSeen.join(' and ')} then ${tell('seen', seen)}
    ${must === 'seen' ? `else raise 'there are no two of them';` : ''} end if;
  end $watch$`
}

function areThere(table: number | undefined, columns: readonly string[]): readonly string[] {
  return columns.map(
    (column) =>
      `exists (select from pg_attribute where attrelid = ${table} and attname = ${lit(column)} and not attisdropped)`,
  )
}

interface Called {
  readonly olds: readonly string[]
  readonly news: readonly string[]
}

/** A row agrees when the new values come of the old ones, or the old of the new: see what is said of rows that are lossy. */
function comparisonSql(twin: Twin, tables: readonly string[], rows: Rows, called: Called): string {
  const { olds, news, up, down, on } = twin
  const other = tables.length > 1 ? 'new_row' : 'old_row'
  const [oldValues, newValues] = [
    called.olds.map((name) => `old_row.${id(name)}`),
    called.news.map((name) => `${other}.${id(name)}`),
  ]
  const there = same(newValues, up, over(oldValues, olds))
  const back = down === undefined ? 'false' : same(oldValues, down, over(newValues, news))
  const filled =
    rows === 'all' ? '' : ` and (${newValues.map((value) => `${value} is not null`).join(' or ')})`
  const from =
    tables.length > 1 ? `${tables[0]} old_row join ${tables[1]} new_row on ${on}` : `${tables[0]} old_row`
  return `select to_jsonb(old_row) || to_jsonb(${other}) from ${from} where not (${there} or ${back})${filled} limit 1`
}

/** The values by the names that an operation has for them, and nothing else by any name. */
function over(values: readonly string[], as: readonly { readonly name: string }[]): string {
  return values.map((value, at) => `${value} as ${id(as[at]?.name ?? '')}`).join(', ')
}

function same(values: readonly string[], expressions: readonly string[], from: string): string {
  const each = values.map(
    (value, at) =>
      `${value}::text collate "C" is not distinct from (select ${expressions[at]} from (select ${from}) given) collate "C"`,
  )
  return `(${each.join(' and ')})`
}
