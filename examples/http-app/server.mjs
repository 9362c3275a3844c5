// Users on PostgreSQL with the driver alone. It announces what it uses, so that nobody takes the column away from under it.
// What it serves, and how it is started: ../service.mjs
import { announce } from 'bellows/app'
import pg from 'pg'
import { announcement, column, serve } from '../service.mjs'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
// An idle session that is lost is no reason to end: the pool makes another.
pool.on('error', (error) => console.error(error.message))
const instance = await announce(pool, { application: 'http-app', uses: [`users.${column}`], ...announcement })

// Columns are named one by one: SELECT * would not survive a column that comes or goes.
const users = {
  read: async (id) =>
    (await pool.query(`select id, ${column} as name from users where id = $1`, [id])).rows[0],
  add: async (name) =>
    (await pool.query(`insert into users (${column}) values ($1) returning id`, [name])).rows[0],
  change: async (id, name) =>
    (await pool.query(`update users set ${column} = $2 where id = $1`, [id, name])).rowCount,
}

await serve(instance, users, () => pool.end())
