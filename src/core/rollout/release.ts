import type { SeenVersion } from './seen-version.ts'
import type { Ours } from './workload-verdict.ts'

/** What a roll brings into the templates of all its workloads. */
export interface Release {
  /** Unique: written on each workload, so that a roll knows its own work again. */
  readonly rollout: string
  readonly version: string
  /** For whoever reads the history of the workload. */
  readonly cause: string
}

/** A pod template as it stood before a roll, word for word: what is gone back to. */
export interface SavedTemplate {
  readonly version: SeenVersion
  readonly template: unknown
}

/** A template that is ours now, or that somebody else changed first and we leave alone. */
export type Changed =
  | ({ readonly state: 'changed' } & Omit<Ours, 'version'>)
  | { readonly state: 'overtaken' }
