import { lit, sql } from '../../core/sql.ts'
import { openConnection } from './connection.ts'
import { type EmbeddedServer, startEmbedded } from './embedded/start.ts'

const DATABASE = 'demo'

export interface DemoOptions {
  /** A folder that keeps the data; absent: a new temporary one that is removed at the end. */
  readonly dataFolder?: string
  /** Rows of the table of users, where it is made. */
  readonly rows: number
}

export interface DemoDatabase {
  readonly url: string
  /** Where its data is. A temporary one goes when the server does, with all that was put into it, and however this process ends. */
  readonly folder: string
  /** Nobody can have known this database before it was made by this call. */
  readonly isNew: boolean
  stop(): Promise<void>
}

/** Starts a server of our own with a table `users (id key, name NOT NULL)` in it. */
export async function startDemoDatabase({ dataFolder, rows }: DemoOptions): Promise<DemoDatabase> {
  const server = await startEmbedded(dataFolder === undefined ? {} : { dataFolder })
  try {
    await makeDatabase(server)
    await fillUsers(server, rows)
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    url: server.databaseUrl(DATABASE),
    folder: server.dataFolder,
    isNew: dataFolder === undefined,
    stop: () => server.stop(),
  }
}

async function makeDatabase(server: EmbeddedServer): Promise<void> {
  const connection = await openConnection({ url: server.url, application: 'bellows demo' })
  try {
    const there = await connection.send(
      sql`select from pg_catalog.pg_database where datname = ${lit(DATABASE)}`,
    )
    if (there[0]?.length === 0) await connection.send(sql`create database demo`)
  } finally {
    await connection.close()
  }
}

/** In one transaction, so that an interrupted start leaves an empty database, which the next start fills. */
async function fillUsers(server: EmbeddedServer, rows: number): Promise<void> {
  const connection = await openConnection({ url: server.databaseUrl(DATABASE), application: 'bellows demo' })
  try {
    await connection.send(
      sql`do ${lit(`
begin
  if to_regclass('public.users') is null and to_regnamespace('bellows') is null then
    create table public.users (id bigint generated always as identity primary key, name text not null);
    insert into public.users (name) select 'User ' || i from generate_series(1, ${rows}) i;
  end if;
end`)}`,
    )
  } finally {
    await connection.close()
  }
}
