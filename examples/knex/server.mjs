// Users with Knex. What it serves, and how it is started: ../service.mjs
import { hostname } from 'node:os'
import { announce } from 'bellows/app'
import knex from 'knex'
import { announcement, column, serve } from '../service.mjs'

// Knex makes its pool itself, so the name of its sessions is given here; it must be this instance's alone.
const connection = {
  connectionString: process.env.DATABASE_URL,
  application_name: `knex/${process.env.INSTANCE ?? `${hostname()}-${process.pid}`}`,
}
const db = knex({ client: 'pg', connection })

/** What `announce` needs of a pool, on a session of Knex. */
const pool = {
  options: connection,
  query: async (text, values) => {
    const session = await db.client.acquireConnection()
    try {
      return await session.query(text, values)
    } finally {
      await db.client.releaseConnection(session)
    }
  },
}
const instance = await announce(pool, { application: 'knex', uses: [`users.${column}`], ...announcement })

const users = {
  read: (id) => db('users').where({ id }).first('id', `${column} as name`),
  add: async (name) => (await db('users').insert({ [column]: name }, 'id'))[0],
  change: (id, name) =>
    db('users')
      .where({ id })
      .update({ [column]: name }),
}

await serve(instance, users, () => db.destroy())
