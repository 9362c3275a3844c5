import { messageOf } from '../core/errors.ts'
import type { Replication } from '../core/gate/replications.ts'
import type { OldTransaction } from '../core/gate/transactions.ts'
import { sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import type { Gated } from './gated.ts'
import { readOldTransactions } from './old-transactions.ts'
import type { Standby } from './ports.ts'
import { readReplications } from './replications.ts'

/** What is there on a standby: all of it, or why that is not known. */
export type OnStandby = { readonly standby: string } & (StandbySeen | { readonly why: string })

interface StandbySeen {
  readonly sessions: readonly { readonly application: string }[]
  /** Those that have what leaves locked: the change waits there for them. Its answer does not come from behind the door. */
  readonly transactions: readonly OldTransaction[]
  readonly slots: readonly Replication[]
}

type Asking = Pick<Engine, 'standbys' | 'settings'>

/** Asks every listed one. */
export async function readStandbys(engine: Asking, of: Gated): Promise<readonly OnStandby[]> {
  return await Promise.all(
    engine.standbys.map(async (server): Promise<OnStandby> => {
      const standby = server.name
      try {
        const sessions = await server.read<{ application: string }>(
          sql`select * from bellows.client_sessions()`,
        )
        const transactions = await readLocking(engine, server, of)
        const replications = await readReplications(server, of)
        return {
          standby,
          sessions,
          transactions,
          slots: replications.filter(({ kind }) => kind === 'slot'),
        }
      } catch (error) {
        return { standby, why: messageOf(error) }
      }
    }),
  )
}

/** The transactions alone, for whoever waits until they end; of those that answer. */
export async function readLockingOnStandbys(engine: Asking, of: Gated): Promise<readonly OldTransaction[]> {
  const found = engine.standbys.map(async (server) => {
    const transactions = await readLocking(engine, server, of).catch(() => [])
    return transactions.map((one) => ({ ...one, standby: server.name }))
  })
  return (await Promise.all(found)).flat()
}

async function readLocking(
  { settings }: Asking,
  server: Standby,
  of: Gated,
): Promise<readonly OldTransaction[]> {
  const transactions = await readOldTransactions(server, of, settings.gate)
  return transactions.filter(({ holds }) => holds)
}

/** Of all that could be asked. */
export function foundOn<K extends keyof StandbySeen>(
  standbys: readonly OnStandby[],
  what: K,
): readonly (StandbySeen[K][number] & { readonly standby: string })[] {
  return standbys.flatMap((one) =>
    'why' in one ? [] : one[what].map((found) => ({ ...found, standby: one.standby })),
  )
}
