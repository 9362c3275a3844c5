import { messageOf } from '../core/errors.ts'
import type { Replication } from '../core/gate/replications.ts'
import type { OldTransaction } from '../core/gate/transactions.ts'
import { sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import type { Gated } from './gated.ts'
import { readOldTransactions } from './old-transactions.ts'
import { readReplications } from './replications.ts'

/** What is there on a standby: all of it, or why that is not known. */
export type OnStandby = { readonly standby: string } & (StandbySeen | { readonly why: string })

interface StandbySeen {
  readonly sessions: readonly { readonly application: string }[]
  /** Those that have what leaves locked: the change waits there for them. Its answer does not come from behind the door. */
  readonly transactions: readonly OldTransaction[]
  readonly slots: readonly Replication[]
}

/** Asks every listed one. */
export async function readStandbys(
  { standbys, settings }: Pick<Engine, 'standbys' | 'settings'>,
  of: Gated,
): Promise<readonly OnStandby[]> {
  return await Promise.all(
    standbys.map(async (server): Promise<OnStandby> => {
      const standby = server.name
      try {
        const sessions = await server.read<{ application: string }>(
          sql`select * from bellows.client_sessions()`,
        )
        const transactions = await readOldTransactions(server, of, settings.gate)
        const replications = await readReplications(server, of)
        return {
          standby,
          sessions,
          transactions: transactions.filter(({ holds }) => holds),
          slots: replications.filter(({ kind }) => kind === 'slot'),
        }
      } catch (error) {
        return { standby, why: messageOf(error) }
      }
    }),
  )
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
