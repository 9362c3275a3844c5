// What the examples share: users over HTTP, and the life of an instance from its announcement to its release.
// Version 1 of the service knows the column "name", version 2 calls it "full_name".
//
//   DATABASE_URL=postgres://... APP_VERSION=1 PORT=8080 node examples/<example>/server.mjs
import { once } from 'node:events'
import { createServer } from 'node:http'

const version = process.env.APP_VERSION ?? '1'
export const column = version === '2' ? 'full_name' : 'name'

const stopping = new AbortController()
const stop = () => stopping.abort()
process.once('SIGTERM', stop)

/** For `announce`, beside what the example itself uses. */
export const announcement = {
  version,
  instance: process.env.INSTANCE,
  leaseMs: Number(process.env.LEASE_MS ?? 30_000),
  // It may be started before the database is ready for it: then it says so to whoever asks for its health.
  unlessAccepted: 'wait',
  onRetired: (because) => {
    console.error(because)
    stop()
  },
  onStale: (because) => console.error(`the lease is about to end: ${because}`),
}

/** Serves until it is told to stop; then answers what is in flight, says that this instance is gone, and goes. */
export async function serve(instance, users, end) {
  const server = createServer((request, response) => void handle(request, response, routes(instance, users)))
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
  await once(server, 'listening')
  console.log(JSON.stringify({ port: server.address().port }))

  if (!stopping.signal.aborted) await once(stopping.signal, 'abort')
  server.close()
  server.closeIdleConnections()
  await once(server, 'close')
  await instance.release()
  await end()
}

const routes = (instance, users) => ({
  // Whether this process is alive: no matter of the database.
  'GET /livez': () => ({ status: 200 }),
  // Whether it may be sent requests. It asks nobody, so that a database that stumbles takes no instance away.
  'GET /healthz': () => {
    const { ready, because } = instance.readiness()
    return { status: ready ? 200 : 503, body: { ok: ready, because, version } }
  },
  'GET /users': async (id) => found(await users.read(id)),
  'POST /users': async (_id, { name }) => found(await users.add(name)),
  'PUT /users': async (id, { name }) => found((await users.change(id, name)) === 1 ? { id } : undefined),
})

const found = (body) => ({ status: body == null ? 404 : 200, body })

async function handle(request, response, routes) {
  const [, collection, id] = request.url.split('/')
  const route = routes[`${request.method} /${collection}`]
  try {
    const chunks = await request.toArray()
    const given = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks)) : {}
    const { status, body } = (await route?.(id, given)) ?? { status: 404 }
    response.writeHead(status, { 'content-type': 'application/json', 'x-version': version })
    response.end(JSON.stringify(body ?? {}))
  } catch (error) {
    console.error(error.message)
    response.writeHead(500).end(JSON.stringify({ error: error.message }))
  }
}
