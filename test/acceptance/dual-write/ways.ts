import pg from 'pg'
import type { TestDatabase } from '../../support/database.ts'

/** What a statement says about the two columns. A column that is absent is not named in it. */
export interface Values {
  readonly name?: string | null
  readonly full_name?: string | null
}

type Target = { readonly database: TestDatabase; readonly table: string }

/** One kind of statement that writes the row of an id. */
export type Way = (target: Target, id: number, values: Values) => Promise<unknown>

const literal = (value: string | null): string => (value === null ? 'null' : pg.escapeLiteral(value))
const columns = (values: Values): string => ['id', ...Object.keys(values)].join(', ')
const row = (id: number | string, values: Values): string =>
  [id, ...Object.values(values).map(literal)].join(', ')
const setting = (values: Values): string =>
  ['seen = t.seen + 1', ...Object.entries(values).map(([name, value]) => `${name} = ${literal(value)}`)].join(
    ', ',
  )

const copied = (value: string | null): string => value?.replaceAll('\\', '\\\\') ?? '\\N'

/** Ids that no other row has. */
const FAR = 1_000_000

const WAYS_TO_INSERT: Readonly<Record<string, Way>> = {
  INSERT: ({ database, table }, id, values) =>
    database.query(`insert into ${table} (${columns(values)}) values (${row(id, values)})`),
  'INSERT with parameters': ({ database, table }, id, values) =>
    database.query(
      `insert into ${table} (${columns(values)}) values (${Object.keys({ id, ...values })
        .map((_, at) => `$${at + 1}`)
        .join(', ')})`,
      [id, ...Object.values(values)],
    ),
  'INSERT of several rows': ({ database, table }, id, values) =>
    database.query(
      `insert into ${table} (${columns(values)}) values (${row(id + FAR, values)}), (${row(id, values)})`,
    ),
  'INSERT from a query': ({ database, table }, id, values) =>
    database.query(`insert into ${table} (${columns(values)}) select ${row(id, values)} order by 1`),
  'INSERT through a view': ({ database, table }, id, values) =>
    database.query(`insert into ${table}_seen (region, ${columns(values)}) values (1, ${row(id, values)})`),
  'upsert that inserts': ({ database, table }, id, values) =>
    database.query(`insert into ${table} (${columns(values)}) values (${row(id, values)})
      on conflict (id, region) do update set seen = -1`),
  'ON CONFLICT DO NOTHING that inserts': ({ database, table }, id, values) =>
    database.query(
      `insert into ${table} (${columns(values)}) values (${row(id, values)}) on conflict do nothing`,
    ),
  'COPY of two rows': async ({ database, table }, id, values) => {
    const line = (of: number) => [of, ...Object.values(values).map(copied)].join('\t')
    await copyIn(
      await loader(database),
      `copy ${table} (${columns(values)}) from stdin`,
      `${line(id + FAR)}\n${line(id)}\n`,
    )
  },
}

const MERGE_INSERT: Way = ({ database, table }, id, values) =>
  database.query(`merge into ${table} t using (values (${id})) s (id) on t.id = s.id
    when matched then do nothing when not matched then insert (${columns(values)}) values (${row('s.id', values)})`)

const WAYS_TO_UPDATE: Readonly<Record<string, Way>> = {
  UPDATE: ({ database, table }, id, values) =>
    database.query(`update ${table} t set ${setting(values)} where id = ${id}`),
  'UPDATE with a join': ({ database, table }, id, values) =>
    database.query(`update ${table} t set ${setting(values)} from (values (${id})) s (id) where s.id = t.id`),
  'UPDATE through a view': ({ database, table }, id, values) =>
    database.query(`update ${table}_seen t set ${setting(values)} where id = ${id}`),
  'upsert that updates': ({ database, table }, id, values) =>
    database.query(
      `insert into ${table} as t (id) values (${id}) on conflict (id, region) do update set ${setting(values)}`,
    ),
  'UPDATE at a cursor': ({ database, table }, id, values) =>
    database.query(`begin; declare here cursor for select from ${table} where id = ${id} for update; move here;
      update ${table} t set ${setting(values)} where current of here; commit`),
}

const MERGE_UPDATE: Way = ({ database, table }, id, values) =>
  database.query(`merge into ${table} t using (values (${id})) s (id) on t.id = s.id
    when matched then update set ${setting(values).replaceAll('t.seen', 'seen')} when not matched then insert (id) values (s.id)`)

export const MOVE_TO_OTHER_PARTITION: Way = ({ database, table }, id, values) =>
  database.query(`update ${table} t set region = 2, ${setting(values)} where id = ${id}`)

/** `excluded` shows what BEFORE INSERT triggers made of the row. */
export const UPSERT_OF_EXCLUDED: Way = ({ database, table }, id, values) =>
  database.query(`insert into ${table} (${columns(values)}) values (${row(id, values)})
    on conflict (id, region) do update set ${Object.keys(values)
      .map((name) => `${name} = excluded.${name}`)
      .join(', ')}`)

/** The session that loads: one for each database, as `COPY` needs the client itself. */
const loaders = new WeakMap<TestDatabase, Promise<pg.Client>>()

function loader(database: TestDatabase): Promise<pg.Client> {
  const known = loaders.get(database) ?? database.session('loader')
  loaders.set(database, known)
  return known
}

interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** `COPY ... FROM STDIN`, which `pg` leaves to an extension: it announces the moment to send. */
class CopyQuery extends pg.Query {
  readonly data: string

  constructor(text: string, data: string, done: (error: Error | undefined) => void) {
    super(text, done)
    this.data = data
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(Buffer.from(this.data))
    connection.endCopyFrom()
  }
}

export function copyIn(client: pg.Client, text: string, data: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(
      new CopyQuery(text, data, (error) => {
        if (error === undefined || error === null) resolve()
        else reject(error)
      }),
    )
  })
}

export interface Ways {
  readonly toInsert: Readonly<Record<string, Way>>
  readonly toUpdate: Readonly<Record<string, Way>>
}

/** All that the server knows: MERGE came with PostgreSQL 15. */
export async function waysOf(database: TestDatabase): Promise<Ways> {
  if ((await majorOf(database)) < 15) return { toInsert: WAYS_TO_INSERT, toUpdate: WAYS_TO_UPDATE }
  return {
    toInsert: { ...WAYS_TO_INSERT, 'MERGE that inserts': MERGE_INSERT },
    toUpdate: { ...WAYS_TO_UPDATE, 'MERGE that updates': MERGE_UPDATE },
  }
}

export async function majorOf(database: TestDatabase): Promise<number> {
  const [server] = await database.query<{ major: number }>(
    `select current_setting('server_version_num')::integer / 10000 as major`,
  )
  return server?.major ?? 0
}
