// Sessions of the benchmarks.
import pg from 'pg'

/** One that whoever asks for it ends. By its name it is none of an application. */
export async function session(connectionString, application = 'bellows/bench') {
  const client = new pg.Client({ connectionString, application_name: application })
  await client.connect()
  return client
}

/** One for as long as something takes. */
export async function connected(url, work) {
  const client = await session(url, 'bench')
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
