import type { Dependents } from '../schema/model.ts'
import type { Brownout } from './brownout.ts'
import type { ClientFacts } from './clients.ts'
import type { InventoryFacts } from './inventory.ts'
import type { LeaseFacts } from './leases.ts'
import type { SessionFacts } from './sessions.ts'
import type { TransactionFacts } from './transactions.ts'
import type { UsageFacts, Watch } from './watch.ts'

/** What is seen at one look of who and what needs a column. */
export interface Evidence extends LeaseFacts, TransactionFacts, ClientFacts {
  /** `"users"."name"`, for people. */
  readonly column: string
  /** Absent where nobody knows what runs: the application was not rolled out for this migration, and no cluster is known. */
  readonly inventory?: InventoryFacts
  readonly sessions: SessionFacts
  readonly usage: UsageFacts
  /** Absent when no trial was made. */
  readonly brownout?: Brownout
  readonly dependents: Dependents
}

/** The same with what is known from the looks before. */
export interface GateFacts extends Evidence {
  readonly watch: Watch
}
