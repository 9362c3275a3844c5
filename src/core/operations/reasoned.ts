/** What may change all partitions of a table at once. */
export interface Reasoned {
  /** Why everybody may wait for longer than usual, where there are very many of them. Kept in the run. */
  readonly unsafe?: string
}
