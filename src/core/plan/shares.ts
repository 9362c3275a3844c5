import type { QualifiedName } from '../schema/model.ts'
import type { Duty } from './row-trigger.ts'

/** Steps that several operations on one table take as one, and what is needed to make one of them. */
export type Shares = {
  readonly table: QualifiedName
  /** Given by the planner: which operations are done together. */
  readonly group?: number
} & (
  | { readonly at: 'install'; readonly duty: Duty }
  | { readonly at: 'fill'; readonly columns: readonly string[] }
  | { readonly at: 'validate'; readonly constraints: readonly string[] }
  | { readonly at: 'compare' | 'prove' | 'offer' | 'hide' | 'show' | 'drop' | 'take back' | 'count' }
)
