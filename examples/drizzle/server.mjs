// Users with Drizzle, on a pool that it shares with `announce`. What it serves, and how it is started: ../service.mjs
import { announce } from 'bellows/app'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { announcement, column, serve } from '../service.mjs'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
// An idle session that is lost is no reason to end: the pool makes another.
pool.on('error', (error) => console.error(error.message))
const instance = await announce(pool, { application: 'drizzle', uses: [`users.${column}`], ...announcement })

const db = drizzle({ client: pool })
const table = pgTable('users', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  name: text(column).notNull(),
})

const users = {
  read: async (id) => (await db.select().from(table).where(eq(table.id, id)))[0],
  add: async (name) => (await db.insert(table).values({ name }).returning({ id: table.id }))[0],
  change: async (id, name) => (await db.update(table).set({ name }).where(eq(table.id, id))).rowCount,
}

await serve(instance, users, () => pool.end())
