import { setTimeout as wait } from 'node:timers/promises'
import { createRequests, type Requests, type Stretch } from './requests.ts'

export interface Load extends Pick<Requests, 'stretch'> {
  /** Lets what is under way end. May be called again. */
  stop(): Promise<Served>
}

export interface Served {
  readonly stretches: readonly Stretch[]
  /** Requests that were not answered with 200, or with another value than the one written last. */
  readonly failures: readonly string[]
  /** The value that each row must have now, by its id. */
  readonly written: ReadonlyMap<number, string>
}

export const CLIENTS = 6
/** A client thinks between two rounds: the demo shows an ordinary service, not a machine at its limit. */
const THINK_MS = 8

/**
 * Clients that read and write. Each owns some of the rows, so it knows what it must read: the value that it wrote last, through
 * whichever version of the application.
 */
export function startLoad(rows: number, url: string): Load {
  const requests = createRequests(url)
  const written = new Map<number, string>()
  let isRunning = true

  const client = async (number: number): Promise<void> => {
    const owned = Math.floor((rows - number - 1) / CLIENTS) + 1
    for (let count = 0; isRunning; count += 1) {
      const id = 1 + number + CLIENTS * (count % owned)
      await readBack(requests, written, id, `User ${id}, change ${count}`)
      const name = `New ${number}.${count}`
      const added = await requests.send('POST', '/users', { name })
      if (added.id !== undefined) written.set(Number(added.id), name)
      await wait(THINK_MS)
    }
  }

  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  return {
    stretch: requests.stretch,
    stop: async () => {
      isRunning = false
      await clients
      requests.close()
      return { ...requests.figures(), written }
    },
  }
}

/** Writes through one instance and reads through whichever is next, which may be of the other version. */
async function readBack(
  requests: Requests,
  written: Map<number, string>,
  id: number,
  name: string,
): Promise<void> {
  const changed = await requests.send('PUT', `/users/${id}`, { name })
  if (changed.id !== undefined) written.set(id, name)
  const read = await requests.send('GET', `/users/${id}`)
  const wanted = written.get(id)
  if (wanted === undefined || read.name === undefined || read.name === wanted) return
  requests.failed(`row ${id}: wrote "${wanted}", read ${JSON.stringify(read.name)}`)
}
