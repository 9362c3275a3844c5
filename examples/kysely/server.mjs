// Users with Kysely, on a pool that it shares with `announce`. What it serves, and how it is started: ../service.mjs
import { announce } from 'bellows/app'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { announcement, column, serve } from '../service.mjs'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
// An idle session that is lost is no reason to end: the pool makes another.
pool.on('error', (error) => console.error(error.message))
const instance = await announce(pool, { application: 'kysely', uses: [`users.${column}`], ...announcement })

const db = new Kysely({ dialect: new PostgresDialect({ pool }) })

const users = {
  read: (id) =>
    db
      .selectFrom('users')
      .select(['id', `${column} as name`])
      .where('id', '=', id)
      .executeTakeFirst(),
  add: (name) =>
    db
      .insertInto('users')
      .values({ [column]: name })
      .returning('id')
      .executeTakeFirst(),
  change: async (id, name) => {
    const { numUpdatedRows } = await db
      .updateTable('users')
      .set({ [column]: name })
      .where('id', '=', id)
      .executeTakeFirst()
    return Number(numUpdatedRows)
  },
}

// Ends the pool, too.
await serve(instance, users, () => db.destroy())
