// A small real HTTP service on PostgreSQL, in two versions: version 1 knows the column "name", version 2 calls it "full_name".
// It announces what it uses, so that nobody takes the column away from under it.
//
//   DATABASE_URL=postgres://... APP_VERSION=1 PORT=8080 node examples/http-app/server.mjs
import { once } from 'node:events'
import { createServer } from 'node:http'
import { announce } from 'bellows/app'
import pg from 'pg'

const column = process.env.APP_VERSION === '2' ? 'full_name' : 'name'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
const instance = await announce(pool, {
  application: 'http-app',
  instance: process.env.INSTANCE,
  uses: [`users.${column}`],
})

// Columns are named one by one: SELECT * would not survive a column that comes or goes.
const routes = {
  'GET /healthz': async () => {
    await pool.query('select 1')
    return { ok: instance.notReady.length === 0, version: process.env.APP_VERSION }
  },
  'GET /users': async (id) => {
    const { rows } = await pool.query(`select id, ${column} as name from users where id = $1`, [id])
    return rows[0]
  },
  'POST /users': async (_id, body) => {
    const { rows } = await pool.query(`insert into users (${column}) values ($1) returning id`, [body.name])
    return rows[0]
  },
  'PUT /users': async (id, body) => {
    const { rowCount } = await pool.query(`update users set ${column} = $2 where id = $1`, [id, body.name])
    return rowCount === 1 ? { id } : undefined
  },
}

async function handle(request, response) {
  const [, collection, id] = request.url.split('/')
  const route = routes[`${request.method} /${collection}`]
  try {
    const chunks = await request.toArray()
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks)) : {}
    const answer = await route?.(id, body)
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? {}))
  } catch (error) {
    console.error(error.message)
    response.writeHead(500).end(JSON.stringify({ error: error.message }))
  }
}

/** Answers what is in flight, then says that this instance is gone, then goes. */
async function stop() {
  server.close()
  server.closeIdleConnections()
  await once(server, 'close')
  await instance.release()
  await pool.end()
}

const server = createServer((request, response) => void handle(request, response))
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
await once(server, 'listening')
process.once('SIGTERM', () => void stop())
// Whoever started it with a channel is gone.
process.once('disconnect', () => void stop())
process.channel?.unref()
console.log(JSON.stringify({ port: server.address().port }))
